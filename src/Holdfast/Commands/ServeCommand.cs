using System.CommandLine;
using System.Runtime.InteropServices;
using Holdfast.Configuration;
using Holdfast.Server;
using Holdfast.Server.Http;
using Holdfast.Storage;
using Microsoft.Extensions.Logging;

namespace Holdfast.Commands;

/// <summary><c>holdfast serve</c>: opens the stores, serves until a signal comes, drains, closes the stores.</summary>
internal static partial class ServeCommand
{
    public static Command Create()
    {
        var options = new ConfigurationOptions();
        var command = new Command("serve", """
            Serves registries until SIGTERM or SIGINT (Ctrl-C); then running transfers may finish. A second signal stops at once.
            Without a configuration: one open registry on http://127.0.0.1:5000, stored in ./data.

              holdfast serve --data /srv/registry --listen http://127.0.0.1:5050
              holdfast serve --config /etc/holdfast/holdfast.yaml
              holdfast serve --config holdfast.yaml --set log.format=json --set disk.reserve=10GiB
              HOLDFAST_LOG_LEVEL=debug holdfast serve --config holdfast.yaml

            Requests are logged to standard output, events to standard error.
            Exit codes: 0 stopped by a signal; 2 it could not start, and standard error says why.
            """);
        options.AddTo(command);
        command.SetAction((result, token) => RunAsync(options.Read(result), token));
        return command;
    }

    private static async Task<int> RunAsync(ConfigurationArguments arguments, CancellationToken cancellationToken)
    {
        var loaded = ConfigurationLoader.OfProcess().Load(arguments);
        ConfigurationReport.WriteProblems(loaded.Problems, Console.Error);
        if (loaded.Configuration is not { } configuration)
        {
            await Console.Error.WriteLineAsync("holdfast: not started; the configuration has the problems above");
            return RootCommands.Failed;
        }

        using var logs = Logs.Create(configuration.Log);
        try
        {
            await using var stores = await Stores.OpenAsync(
                configuration.DataFolder, configuration.Server.Uploads.MaxAge, logs, cancellationToken);
            return await ServeAsync(configuration, stores.Server, logs, cancellationToken);
        }
        catch (Exception e) when (StartFault.Explain(e, configuration) is { } line)
        {
            await Console.Error.WriteLineAsync($"holdfast: {line}");
            return RootCommands.Failed;
        }
    }

    private static async Task<int> ServeAsync(
        HoldfastConfiguration configuration, ContentStores stores, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        using var signals = new StopSignals();
        await using var server = await RegistryServer.StartAsync(
            configuration.Server with
            {
                TokenKeyFile = Path.Combine(configuration.DataFolder, "token.key"),
                AdminSocket = Path.Combine(configuration.DataFolder, AdminOptions.SocketName),
            },
            stores, logs, TimeProvider.System, cancellationToken);
        var log = logs.CreateLogger("Holdfast");
        Announce(configuration, server.Addresses, log);
        foreach (var note in configuration.Notes)
            Noted(log, note);
        await signals.First;
        var drained = server.StopAsync();
        if (await Task.WhenAny(drained, signals.Second) == drained)
            await drained;
        else
            Environment.Exit(128 + (int)signals.Number); // the stores survive this: it is what a power cut does, too
        return RootCommands.Fine;
    }

    private static void Announce(HoldfastConfiguration configuration, IReadOnlyList<Uri> addresses, ILogger log)
    {
        for (var i = 0; i < addresses.Count; i++)
        {
            var address = addresses[i].GetLeftPart(UriPartial.Authority);
            var registry = configuration.Server.Listeners[i].Registry;
            if (configuration.Log.Format == LogFormat.Json)
                Serving(log, ProgramVersion.Text, registry, address, configuration.DataFolder);
            else
                Console.Out.WriteLine($"holdfast {ProgramVersion.Text} serves registry \"{registry}\" on {address} (data: {configuration.DataFolder})");
        }

        if (configuration.Log.Format == LogFormat.Console && !Console.IsOutputRedirected && addresses.Count > 0)
            Console.Out.WriteLine($"Push to it:  docker push {addresses[0].Authority}/<name>   ·  stop it with Ctrl-C");
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "holdfast {Version} serves registry {Registry} on {Address} (data: {Data})")]
    private static partial void Serving(ILogger logger, string version, string registry, string address, string data);

    [LoggerMessage(EventId = 3, Level = LogLevel.Warning, Message = "{Note}")]
    private static partial void Noted(ILogger logger, string note);
}
