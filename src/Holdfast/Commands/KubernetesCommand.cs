using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Holdfast.Configuration;

namespace Holdfast.Commands;

/// <summary><c>holdfast kubernetes pull-secret</c></summary>
internal static class KubernetesCommand
{
    // What Docker's own clients have kept Docker Hub's password under since before there was a second registry.
    private const string HubKey = "https://index.docker.io/v1/";

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly Option<string> Server = new("--server") { Description = "The registry, host or host:port, as it stands in images' names.", HelpName = "host", Required = true };
    private static readonly Option<string> Username = new("--username") { Description = "Who pulls.", HelpName = "name", Required = true };
    private static readonly Option<bool> PasswordStdin = new("--password-stdin") { Description = "Read the password from standard input." };
    private static readonly Option<string?> PasswordFile = new("--password-file") { Description = "Read the password from a file.", HelpName = "file" };
    private static readonly Option<string?> Namespace = new("--namespace", "-n") { Description = "The Secret's namespace. Default: the one that it is applied in.", HelpName = "namespace" };
    private static readonly Option<string> Name = new("--name") { Description = "The Secret's name.", HelpName = "name", DefaultValueFactory = _ => "holdfast-pull" };

    public static Command Create()
    {
        var secret = new Command("pull-secret", """
            Prints a Secret of the type kubernetes.io/dockerconfigjson as YAML, with which pods pull from a registry that has users.
            Name it under imagePullSecrets of the pod or of its service account. The password is never an argument, where others could see it.

              echo "$SECRET" | holdfast kubernetes pull-secret --server registry.example:5050 --username ci --password-stdin | kubectl apply -f -
              holdfast kubernetes pull-secret --server registry.example --username ci --password-file secret.txt --namespace apps --name registry
            """) { Server, Username, PasswordStdin, PasswordFile, Namespace, Name };
        secret.SetAction(RunAsync);
        return new Command("kubernetes", """
            What a Kubernetes cluster needs to pull from here.

              echo "$SECRET" | holdfast kubernetes pull-secret --server registry.example --username ci --password-stdin | kubectl apply -f -
            """) { secret };
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken token)
    {
        var console = parsed.InvocationConfiguration;
        var server = parsed.GetRequiredValue(Server).TrimEnd('/');
        var (username, name, space) = (parsed.GetRequiredValue(Username), parsed.GetRequiredValue(Name), parsed.GetValue(Namespace));
        try
        {
            if (CacheValueFaults.Namespace(server) is { } fault)
                throw new InvalidDataException($"--server: {fault}");
            if (username.Length == 0 || username.Contains(':', StringComparison.Ordinal) || username.Any(char.IsControl))
                throw new InvalidDataException($"--username: {Problems.Quote(username)} is no user's name: it is not empty and has no colon");
            if (!IsKubernetesName(name, 253, mayHaveDots: true))
                throw new InvalidDataException($"--name: {Problems.Quote(name)} is not a Secret's name; use a-z, 0-9, - and ., beginning and ending with a letter or digit");
            if (space is not null && !IsKubernetesName(space, 63, mayHaveDots: false))
                throw new InvalidDataException($"--namespace: {Problems.Quote(space)} is not a namespace; use 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit");
            var password = await new PasswordSource(parsed.GetValue(PasswordStdin), parsed.GetValue(PasswordFile), console.Error).ReadAsync(confirm: false, token);
            if (password.Length == 0)
                throw new InvalidDataException("the password is empty");
            await console.Output.WriteAsync(Write(server.ToLowerInvariant(), username, password, name, space));
            return RootCommands.Fine;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            await console.Error.WriteLineAsync($"holdfast kubernetes pull-secret: {e.Message}");
            return RootCommands.Failed;
        }
    }

    private static string Write(string server, string username, string password, string name, string? space)
    {
        var key = server == UpstreamBinder.Hub ? HubKey : server;
        var auth = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{username}:{password}"));
        var entry = new Dictionary<string, object>(StringComparer.Ordinal) { [key] = new { username, password, auth } };
        var config = JsonSerializer.SerializeToUtf8Bytes(new { auths = entry }, Plain);
        return $"""
            apiVersion: v1
            kind: Secret
            metadata:
              name: "{name}"
            {(space is null ? "" : $"  namespace: \"{space}\"\n")}type: kubernetes.io/dockerconfigjson
            data:
              .dockerconfigjson: {Convert.ToBase64String(config)}

            """.ReplaceLineEndings("\n");
    }

    // RFC 1123, as Kubernetes has it.
    private static bool IsKubernetesName(string text, int longest, bool mayHaveDots) =>
        text.Length >= 1 && text.Length <= longest && text.Split(mayHaveDots ? '.' : '\n').All(part =>
            part.Length > 0 && part[0] != '-' && part[^1] != '-' && part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'));
}
