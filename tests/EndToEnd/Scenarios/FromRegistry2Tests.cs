using System.Net;
using System.Text.Json.Nodes;
using EndToEnd.Clients;
using EndToEnd.Images;
using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Scenarios;

/// <summary>The same file for Debian's docker-registry and for `holdfast config from-registry2`.</summary>
public sealed class FromRegistry2Tests(Lab lab)
{
    private const string Password = "correct horse battery staple";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task File_OfARegistryWithUsers_BecomesAServerWithTheSameUsers()
    {
        Require.Programs("docker-registry", "htpasswd", "skopeo");
        var folder = lab.NewFolder("moving");
        var users = await UsersAsync(folder);
        var old = $"127.0.0.1:{FreePorts.Take()}";
        var file = Path.Combine(folder, "config.yml");
        await File.WriteAllTextAsync(file, Usual(folder, old, users), Token);
        await using (var registry = Daemon.Start(lab, Path.Combine(folder, "old.log"), new ToolCall("docker-registry", "serve", file)))
        {
            await AnswerAsTheUsersShouldAsync(registry, old, mayDelete: false);
        }

        var here = $"127.0.0.1:{FreePorts.Take()}";
        var moved = await new ToolCall(
            HoldfastProcess.Executable, "config", "from-registry2", file, "--listen", $"http://{here}", "--data", Path.Combine(folder, "new"), "-o", "holdfast.yaml")
        {
            Directory = folder,
        }.RunAsync(Token);
        // log.fields, and a user whose hash isn't bcrypt.
        moved.ExitCode.ShouldBe(1, moved.ToString());
        moved.Output.ShouldContain("users of " + users + ": 2 taken, 1 not");
        await using var holdfast = Daemon.Start(lab, Path.Combine(folder, "new.log"), new ToolCall(HoldfastProcess.Executable, "serve", "--config", Path.Combine(folder, "holdfast.yaml")));
        await AnswerAsTheUsersShouldAsync(holdfast, here, mayDelete: false);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("proxy: { ttl: 168h }", true)]
    [InlineData("nonsense: { a: [b] }", true)]
    [InlineData("log: { level: WARN, formatter: logstash }", true)]
    [InlineData("validation: { enabled: yes }", true)]
    [InlineData("middleware: { storage: [{ name: redirect, disabled: true, options: { baseurl: 'https://x' } }] }", true)]
    [InlineData("catalog: { maxentries: 5 }", true)]
    [InlineData("auth: none", true)]
    [InlineData("log: { level: loud }", false)]
    [InlineData("log: { formatter: morse }", false)]
    [InlineData("catalog: { maxentries: many }", false)]
    [InlineData("validation: { enabled: 'true' }", false)]
    [InlineData("validation: { enabled: perhaps }", false)]
    [InlineData("auth: { htpaswd: { realm: r, path: /x } }", false)]
    [InlineData("auth: { htpasswd: { realm: r } }", false)]
    [InlineData("auth: { htpasswd: { realm: r, path: /x }, silly: { realm: r, service: s } }", false)]
    [InlineData("redis: { dialtimeout: soon }", false)]
    [InlineData("health: { storagedriver: { interval: [1s] } }", false)]
    [InlineData("policy: { repository: { classes: { a: b } } }", false)]
    public async Task File_IsWrongForHoldfast_IfAndOnlyIfDockerRegistryDoesntStart(string line, bool starts) =>
        await CompareAsync($"version: 0.1\nstorage: {{ filesystem: {{ rootdirectory: FOLDER, maxsize: 5GB }} }}\nhttp: {{ addr: ADDRESS }}\n{line}\n", starts);

    [Theory]
    [InlineData("version: 0.1\nhttp: { addr: ADDRESS }\n", false)]
    [InlineData("storage: filesystem\nhttp: { addr: ADDRESS }\n", false)]
    [InlineData("version: 0.2\nstorage: inmemory\nhttp: { addr: ADDRESS }\n", false)]
    [InlineData("version: 0.1\nstorage: inmemory\nhttp: { addr: ADDRESS }\n", true)]
    [InlineData("version: 0.1\nstorage: { inmemory: , delete: { enabled: 'true' } }\nhttp: { addr: ADDRESS, draintimeout: 1m30s }\n", true)]
    [InlineData("version: 0.1\nstorage: { inmemory: , cache: { blobdescriptor: inmemory }, redirect: { disable: true } }\nhttp: { addr: ADDRESS, prefix: /, relativeurls: on }\n", true)]
    [InlineData("version: 0.1\nstorage: { inmemory: , maintenance: { uploadpurging: { enabled: false } } }\nhttp: { addr: ADDRESS }\n", true)]
    [InlineData("version: 0.1\nstorage: { inmemory: , maintenance: { uploadpurging: { age: 1h, interval: 1h } } }\nhttp: { addr: ADDRESS }\n", false)]
    [InlineData("version: 0.1\nstorage: { inmemory: , maintenance: { readonly: } }\nhttp: { addr: ADDRESS }\n", false)]
    [InlineData("version: 0.1\nstorage: { inmemory: , maintenance: { readonly: { enabled: 'true' } } }\nhttp: { addr: ADDRESS }\n", false)]
    [InlineData("version: 0.1\nstorage: { inmemory: , filesystem: { rootdirectory: FOLDER } }\nhttp: { addr: ADDRESS }\n", false)]
    [InlineData("version: 0.1\nstorage: { floppy: { rootdirectory: FOLDER } }\nhttp: { addr: ADDRESS }\n", false)]
    [InlineData("version: 0.1\nstorage: inmemory\nhttp: { addr: '127.0.0.1' }\n", false)]
    [InlineData("version: 0.1\nstorage: inmemory\nhttp: { addr: ADDRESS, draintimeout: soon }\n", false)]
    [InlineData("version: 0.1\nstorage: inmemory\nhttp: { addr: ADDRESS, secret: { a: b } }\n", false)]
    [InlineData("version: 0.1\nstorage: inmemory\nhttp: { addr: ADDRESS, tls: { certificate: FOLDER/none } }\n", false)]
    [InlineData("just text\n", false)]
    public async Task WholeFile_IsWrongForHoldfast_IfAndOnlyIfDockerRegistryDoesntStart(string text, bool starts) => await CompareAsync(text, starts);

    [Theory]
    [InlineData("REGISTRY_STORAGE=inmemory", true, "storage.inmemory")]
    [InlineData("REGISTRY_STORAGE_DELETE_ENABLED=true", true, "storage.delete.enabled")]
    [InlineData("REGISTRY_HTTP_HEADERS={X-Frame-Options: [deny]}", true, "http.headers")]
    [InlineData("REGISTRY_HTTP_ADRESS=x", true, "REGISTRY_HTTP_ADRESS")]
    [InlineData("REGISTRY_HEALTH_FILE_0_FILE=/x", true, "REGISTRY_HEALTH_FILE_0_FILE")]
    [InlineData("REGISTRY_LOG_LEVEL=loud", false, "log.level")]
    [InlineData("REGISTRY_HTTP_RELATIVEURLS=perhaps", false, "http.relativeurls")]
    [InlineData("REGISTRY_STORAGE_S3_BUCKET=x", false, "storage")]
    [InlineData("REGISTRY_HTTP_TLS_CLIENTCAS_7=/x", true, "REGISTRY_HTTP_TLS_CLIENTCAS_7")]
    [InlineData("REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED=true", false, "REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED")]
    [InlineData("REGISTRY_STORAGE_MAINTENANCE_READONLY={enabled: true}", true, "storage.maintenance.readonly.enabled")]
    [InlineData("REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING={age: 1h}", false, "storage.maintenance.uploadpurging.interval")]
    public async Task Variable_IsReadAsDockerRegistryDoes(string variable, bool starts, string key)
    {
        var told = await CompareAsync("version: 0.1\nstorage: { filesystem: { rootdirectory: FOLDER } }\nhttp: { addr: ADDRESS }\n", starts, variable);
        told["files"]!.AsArray().SelectMany(file => file!["settings"]!.AsArray()).Select(setting => (string)setting!["key"]!).ShouldContain(key);
    }

    /// <returns>What Holdfast says.</returns>
    private async Task<JsonNode> CompareAsync(string text, bool starts, string? variable = null)
    {
        Require.Programs("docker-registry");
        var folder = lab.NewFolder("compared");
        var address = $"127.0.0.1:{FreePorts.Take()}";
        var file = Path.Combine(folder, "config.yml");
        await File.WriteAllTextAsync(file, text.Replace("FOLDER", folder).Replace("ADDRESS", $"'{address}'"), Token);
        var environment = variable is null ? [] : new Dictionary<string, string> { [variable.Split('=')[0]] = variable[(variable.IndexOf('=') + 1)..] };
        (await StartsAsync(folder, address, new ToolCall("docker-registry", "serve", file) { Environment = environment })).ShouldBe(starts, "docker-registry");
        string[] more = variable is null ? [] : ["--env", variable];
        var said = await new ToolCall(HoldfastProcess.Executable, ["config", "from-registry2", file, "--json", .. more]).RunAsync(Token);
        (said.ExitCode != 2).ShouldBe(starts, said.ToString());
        return JsonNode.Parse(said.Output)!;
    }

    private async Task<bool> StartsAsync(string folder, string address, ToolCall call)
    {
        await using var registry = Daemon.Start(lab, Path.Combine(folder, "log"), call);
        using var raw = new RawRegistry(new Endpoint(Mode.Plain, address, Authority: null, Credentials: null));
        try
        {
            await registry.WaitUntilAsync(raw.AnswersAsync, TimeSpan.FromSeconds(30), Token);
            return true;
        }
        catch (InvalidOperationException) when (registry.HasExited)
        {
            return false;
        }
    }

    private async Task AnswerAsTheUsersShouldAsync(Daemon server, string host, bool mayDelete)
    {
        using (var anybody = new RawRegistry(new Endpoint(Mode.Plain, host, Authority: null, Credentials: null)))
        {
            await server.WaitUntilAsync(anybody.AnswersAsync, TimeSpan.FromSeconds(60), Token);
        }

        foreach (var (user, password, expected) in new[] { ("ci", Password, 200), ("viewer", Password, 200), ("ci", "wrong", 401), ("md", Password, 401), ("nobody", Password, 401) })
        {
            using var raw = new RawRegistry(new Endpoint(Mode.Basic, host, Authority: null, new Credentials(user, password)));
            using var answer = await raw.SendAsync(HttpMethod.Get, "v2/", Token);
            ((int)answer.StatusCode).ShouldBe(expected, $"{user} at {host}");
        }

        var endpoint = new Endpoint(Mode.Basic, host, Authority: null, new Credentials("ci", Password));
        await new Skopeo(lab).PushAsync(endpoint, await lab.Images.Busybox, "moved/app", Token);
        using var pusher = new RawRegistry(endpoint);
        var pushed = await pusher.ReadClosureAsync("moved/app", Image.Tag, Token);
        using var deleted = await pusher.SendAsync(HttpMethod.Delete, $"v2/moved/app/manifests/{pushed.Manifest}", Token);
        (deleted.StatusCode == HttpStatusCode.Accepted).ShouldBe(mayDelete);
    }

    /// <summary>Two users by bcrypt, one by Apache's MD5.</summary>
    private static async Task<string> UsersAsync(string folder)
    {
        var file = Path.Combine(folder, "users");
        await new ToolCall("htpasswd", "-ciB", "-C", "5", file, "ci") { Input = Password }.OutputAsync(Token);
        await new ToolCall("htpasswd", "-iB", "-C", "5", file, "viewer") { Input = Password }.OutputAsync(Token);
        await new ToolCall("htpasswd", "-im", file, "md") { Input = Password }.OutputAsync(Token);
        return file;
    }

    private static string Usual(string folder, string address, string users) => $$"""
        version: 0.1
        log:
          level: info
          fields:
            service: registry
        storage:
          cache:
            blobdescriptor: inmemory
          filesystem:
            rootdirectory: {{folder}}/old
            maxthreads: 100
          maintenance:
            uploadpurging:
              enabled: true
              age: 168h
              interval: 24h
              dryrun: false
        auth:
          htpasswd:
            realm: Registry Realm
            path: {{users}}
        http:
          addr: {{address}}
          secret: loopback
          headers:
            X-Content-Type-Options: [nosniff]
        health:
          storagedriver:
            enabled: true
            interval: 10s
            threshold: 3
        """;
}
