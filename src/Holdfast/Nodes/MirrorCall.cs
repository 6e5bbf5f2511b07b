using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Nodes;

/// <summary>Asks a mirror what a node would: does it speak the protocol, and for this registry?</summary>
internal static class MirrorCall
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // An error in the protocol's JSON; what is longer is somebody's page.
    private const int MaxAnswer = 16 << 10;

    /// <param name="name">The registry in whose place it is asked.</param>
    /// <returns>What is wrong; null if it answers.</returns>
    public static async Task<string?> AskAsync(NodeMirror mirror, string name, CancellationToken token)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(token);
        patience.CancelAfter(Patience);
        try
        {
            using var client = new HttpClient(Handler(mirror)) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MaxAnswer };
            // containerd says so wherever a host stands in another's place.
            var query = mirror.Url.Authority.Equals(name, StringComparison.OrdinalIgnoreCase) || name.StartsWith('_') ? "" : $"?ns={Uri.EscapeDataString(name)}";
            using var answer = await client.GetAsync(new Uri(mirror.Base, query), HttpCompletionOption.ResponseHeadersRead, patience.Token);
            var status = (int)answer.StatusCode;
            if (status is 200 or 401 or 403)
                return null;
            return $"answers {status} at {mirror.Base.AbsolutePath}{await ReasonAsync(answer, patience.Token)}";
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
            return $"gives no answer within {Patience.TotalSeconds:0} s";
        }
        catch (HttpRequestException e)
        {
            return $"can't be reached: {(e.InnerException ?? e).Message.ReplaceLineEndings(" ")}";
        }
        catch (Exception e) when (e is CryptographicException or IOException)
        {
            return $"can't be asked: {e.Message.ReplaceLineEndings(" ")}";
        }
    }

    private static SocketsHttpHandler Handler(NodeMirror mirror)
    {
        var handler = new SocketsHttpHandler { ConnectTimeout = Patience, AllowAutoRedirect = false };
        // As the node does it: nothing is sent that anyone could want.
        var files = mirror.Authorities.Where(File.Exists).ToList();
        if (mirror.SkipsVerification || files.Count > 0)
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, errors) => mirror.SkipsVerification || errors == SslPolicyErrors.None || IsTrusted(certificate, files, errors);
        return handler;
    }

    // What the machine doesn't trust by itself, these may; the name in it must be right either way.
    private static bool IsTrusted(X509Certificate? certificate, List<string> files, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 leaf || errors != SslPolicyErrors.RemoteCertificateChainErrors)
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        foreach (var file in files)
            chain.ChainPolicy.CustomTrustStore.ImportFromPemFile(file);
        return chain.Build(leaf);
    }

    private static async Task<string> ReasonAsync(HttpResponseMessage answer, CancellationToken token)
    {
        if (answer.Content.Headers.ContentType?.MediaType != "application/json")
            return ", which no registry does";
        try
        {
            using var json = System.Text.Json.JsonDocument.Parse(await answer.Content.ReadAsStringAsync(token));
            return $": {json.RootElement.GetProperty("errors")[0].GetProperty("message").GetString()}";
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or InvalidOperationException or KeyNotFoundException or IndexOutOfRangeException or HttpRequestException)
        {
            return "";
        }
    }
}
