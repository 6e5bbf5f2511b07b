using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>http.addr, http.net and http.tls become a listener.</summary>
internal sealed class ListenerTranslation(GivenSettings given, Origin file)
{
    // Not there yet: `config check` says so until somebody has put a pair there.
    private const string Fullchain = "/etc/holdfast/tls/fullchain.pem";
    private const string PrivateKey = "/etc/holdfast/tls/privkey.pem";

    private static readonly MovedListener Fallback = new("127.0.0.1", 5000);

    /// <param name="chosen">What the user wants instead of http.addr; null: what it says.</param>
    public MovedListener Translate(ListenerAddress? chosen)
    {
        if (chosen is null)
            return WithTls(Address());
        given.Tell("http.net", Verdict.NotNeeded, "TCP is all there is");
        given.Tell("http.addr", Verdict.Taken, $"listeners[].url; --listen says {chosen.Url.OriginalString}");
        return WithTls(new MovedListener(chosen.Url.Host is "localhost" ? "localhost" : chosen.Url.Authority[..chosen.Url.Authority.LastIndexOf(':')], chosen.Port));
    }

    private static string Text(MovedListener address) => string.Create(CultureInfo.InvariantCulture, $"{address.Host}:{address.Port}");

    private MovedListener Address()
    {
        if (given.Text("http.net") is { } net && net is not ("tcp" or "tcp4" or "tcp6"))
        {
            var verdict = net == "unix" ? Verdict.NotHere : Verdict.Wrong;
            given.Tell("http.net", verdict, net == "unix"
                ? $"there are no Unix sockets for clients here; {Text(Fallback)} is written: let what stands in front go there"
                : $"{Problems.Quote(net)} is no kind of network");
            given.Tell("http.addr", Verdict.NotHere, "goes with http.net");
            return Fallback;
        }

        given.Tell("http.net", Verdict.NotNeeded, "TCP is all there is");
        if (given.Text("http.addr") is { } addr)
            return Parse(addr);
        given.Tell("http.addr", file, Verdict.NotHere, $"is not given, so that the old registry takes a port by chance; {Text(Fallback)} is written: say which one clients use (--listen)");
        return Fallback;
    }

    private MovedListener Parse(string addr)
    {
        var colon = addr.LastIndexOf(':');
        if (colon < 0 || !int.TryParse(addr.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port > 65_535)
        {
            given.Tell("http.addr", Verdict.Wrong, $"{Problems.Quote(addr)} has no port as a number; write an address and a port, such as 0.0.0.0:5000");
            return Fallback;
        }

        var host = addr[..colon];
        var found = host switch
        {
            // Go listens to IPv4 and IPv6 then, and so does [::] here.
            "" => "[::]",
            "localhost" => host,
            _ when IPAddress.TryParse(host.Trim('[', ']'), out var ip) && !host.Contains('%', StringComparison.Ordinal) => ip.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{ip}]" : ip.ToString(),
            _ => null,
        };
        var listener = new MovedListener(found ?? Fallback.Host, port);
        if (found is not null)
            given.Tell("http.addr", Verdict.Taken, $"listeners[].url, {Text(listener)}");
        else
            given.Tell("http.addr", Verdict.NotHere, $"{Problems.Quote(host)} is a name, and names aren't looked up here; {Text(listener)} is written, which only this machine reaches: write the address");
        return listener;
    }

    private MovedListener WithTls(MovedListener address)
    {
        var certificate = given.Text("http.tls.certificate");
        var key = given.Text("http.tls.key");
        Versions();
        if (certificate is not null && key is not null)
        {
            given.Tell("http.tls.certificate", Verdict.Taken, "listeners[].tls.certificate; read again when it changes");
            given.Tell("http.tls.key", Verdict.Taken, "listeners[].tls.key");
            return address with { Certificate = certificate, Key = key };
        }

        given.Tell("http.tls.certificate", Verdict.Wrong, "http.tls.key is missing; a certificate needs its key");
        given.Tell("http.tls.key", Verdict.NotHere, "without a certificate the old registry speaks plain http, and so does this one");
        // Never plain http where there were passwords under TLS.
        return given.Remarks.Any(remark => remark.Key == "http.tls.letsencrypt.cachefile" && remark.Verdict == Verdict.NotHere)
            ? address with { Certificate = Fullchain, Key = PrivateKey }
            : address;
    }

    private void Versions()
    {
        if (given.Text("http.tls.minimumtls") is not { } minimum)
            return;
        var (verdict, text) = minimum switch
        {
            "tls1.3" => (Verdict.NotHere, "1.2 is spoken too"),
            "tls1.0" or "tls1.1" => (Verdict.NotHere, "1.2 and 1.3 are spoken; clients that know only older ones can't come in any more"),
            "tls1.2" => (Verdict.NotNeeded, "1.2 and 1.3 are spoken"),
            _ => (Verdict.Wrong, $"{Problems.Quote(minimum)} is none of tls1.0, tls1.1, tls1.2, tls1.3"),
        };
        given.Tell("http.tls.minimumtls", verdict, text);
    }
}
