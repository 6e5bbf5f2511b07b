using Holdfast.Configuration;
using Holdfast.Registry2;
using Shouldly;
using Xunit;

namespace Holdfast.Tests.Registry2;

/// <summary>Variables REGISTRY_… over the file, as that program reads them.</summary>
public sealed class VariableTests : IDisposable
{
    private readonly OldRegistry _old = new();

    public void Dispose() => _old.Dispose();

    [Fact]
    public void Variables_OverTheImagesFile_AreAConfiguration()
    {
        var users = _old.Write("users", $"ci:{OldRegistry.Bcrypt}\n");
        var result = _old.Move("", request => request with
        {
            Sources = [new OfRegistry<string?>(null, null)],
            Variables =
            [
                .. new[]
                {
                    "REGISTRY_AUTH=htpasswd", "REGISTRY_AUTH_HTPASSWD_REALM=Registry Realm", $"REGISTRY_AUTH_HTPASSWD_PATH={users}",
                    "REGISTRY_STORAGE_DELETE_ENABLED=true", "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/data", "REGISTRY_HTTP_ADDR=0.0.0.0:5050",
                }.Select(text => new OfRegistry<Variable>(null, Variable.Parse(text, "--env")!)),
            ],
        });
        result.IsFine.ShouldBeTrue(OldRegistry.Text(result));
        result.Files.Single().Registry.Root.ShouldBe("/data");
        var server = _old.Load(result).Configuration.ShouldNotBeNull().Server;
        server.Listeners.Single().Url.ShouldBe(new Uri("http://0.0.0.0:5050"));
        server.Registries.Single().Auth.ShouldNotBeNull().Access.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("REGISTRY_STORAGE=s3", "storage.s3", nameof(Verdict.NotHere))]
    [InlineData("REGISTRY_LOG_LEVEL=debug", "log.level", nameof(Verdict.Taken))]
    [InlineData("REGISTRY_HTTP_HEADERS={X-Frame-Options: [deny]}", "http.headers", nameof(Verdict.NotHere))]
    [InlineData("REGISTRY_HTTP_HEADERS_X-Frame-Options=[deny]", "http.headers", nameof(Verdict.NotHere))]
    [InlineData("REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES=true", "notifications.events.includereferences", nameof(Verdict.NotHere))]
    [InlineData("REGISTRY_HEALTH_FILECHECKERS=[{file: /x}]", "health.file", nameof(Verdict.NotHere))]
    [InlineData("REGISTRY_STORAGE_MAINTENANCE_READONLY={enabled: true}", "storage.maintenance.readonly.enabled", nameof(Verdict.Taken))]
    [InlineData("REGISTRY_COMPATIBILITY_SCHEMA1_TRUSTKEY=/x", "compatibility.schema1.signingkeyfile", nameof(Verdict.NotNeeded))]
    [InlineData("REGISTRY_STORAGE_FILESYSTEM_MAXSIZE=50GB", "storage.filesystem.maxsize", nameof(Verdict.Unknown))]
    [InlineData("REGISTRY_PROXY_TTL=168h", "proxy.ttl", nameof(Verdict.Unknown))]
    public void Variable_OfASetting_IsThatSettingAndSaysWhereItWasGiven(string variable, string key, string verdict)
    {
        // Another driver takes the file system's place.
        var result = _old.MoveWith(variable.Contains("STORAGE=", StringComparison.Ordinal) ? "version: 0.1\nhttp: { addr: ':5000' }" : OldRegistry.Base, variable);
        var remark = OldRegistry.Remark(result, key);
        remark.Verdict.ToString().ShouldBe(verdict);
        remark.Origin.Text.ShouldStartWith(variable.Split('=')[0]);
    }

    [Theory]
    [InlineData("REGISTRY_HTTP_TLS_CLIENTCAS_0=/ca.pem", "http.tls.clientcas")]
    [InlineData("REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL=https://x", "notifications.endpoints")]
    [InlineData("REGISTRY_HEALTH_FILECHECKERS_0_FILE=/x", "health.file")]
    public void Variable_IntoAList_IsSkippedBy28AndReadBy3(string variable, string key)
    {
        OldRegistry.Remark(_old.MoveWith(OldRegistry.Base, variable), variable.Split('=')[0]).Verdict.ShouldBe(Verdict.Unknown);
        var three = _old.Move(OldRegistry.Base, request => request with { Release = Release.Three, Variables = [new OfRegistry<Variable>(null, Variable.Parse(variable, "--env")!)] });
        OldRegistry.Remark(three, key).Verdict.ShouldBe(Verdict.NotHere);
        var far = Variable.Parse(variable.Replace("_0", "_7", StringComparison.Ordinal), "--env")!;
        var wrong = _old.Move(OldRegistry.Base, request => request with { Release = Release.Three, Variables = [new OfRegistry<Variable>(null, far)] });
        OldRegistry.Remark(wrong, far.Name).Verdict.ShouldBe(Verdict.Wrong);
    }

    [Fact]
    public void Variable_IntoMaintenanceOfTheFile_IsSkippedThere()
    {
        var result = _old.MoveWith(
            "version: 0.1\nstorage: { filesystem: , maintenance: { readonly: { enabled: false } } }\nhttp: { addr: ':5000' }", "REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED=true");
        OldRegistry.Remark(result, "REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED").Verdict.ShouldBe(Verdict.Unknown);
        result.Configuration.ShouldNotBeNull().ShouldContain("auth: none");
    }

    [Theory]
    [InlineData("REGISTRY_HTTP_ADRESS=x")]
    [InlineData("REGISTRY_HEALTH_FILE_0_FILE=/x")]
    [InlineData("REGISTRY_PORT_5000_TCP=tcp://10.0.0.1:5000")]
    [InlineData("REGISTRY_SERVICE_HOST=10.0.0.1")]
    [InlineData("REGISTRY__=x")]
    [InlineData("REGISTRY_A_A_A_A_A_A_A_A_A_A_A_A_A_A_A_A_A_A_A_A=x")]
    public void Variable_OfNoSetting_IsUnknown(string variable) =>
        OldRegistry.Remark(_old.MoveWith(OldRegistry.Base, variable), variable.Split('=')[0]).Verdict.ShouldBe(Verdict.Unknown);

    [Theory]
    [InlineData("REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED=true", "ends at its start")]
    [InlineData("REGISTRY_HTTP_HEADERS=[", "not YAML")]
    [InlineData("REGISTRY_HTTP_HEADERS=&a [*a, *a]", "not YAML")]
    [InlineData("REGISTRY_HTTP_RELATIVEURLS=perhaps", "is not true or false")]
    [InlineData("REGISTRY_STORAGE_S3_BUCKET=x", "one of them must go")]
    public void Variable_ThatTheOldRegistryWouldntStartWith_IsWrong(string variable, string says)
    {
        var result = _old.MoveWith(OldRegistry.Base, variable);
        result.Configuration.ShouldBeNull();
        OldRegistry.Text(result).ShouldContain(says);
    }

    [Fact]
    public void VariableFile_AsDockersAndSystemds_IsReadAndOthersArePassedOver()
    {
        var problems = new Problems();
        var file = _old.Write("registry.env", "# a remark\n\nOTEL_TRACES_EXPORTER=none\nREGISTRY_HTTP_ADDR=:5001\r\nexport REGISTRY_LOG_LEVEL=\"warn\"\nREGISTRY_HTTP_SECRET='a=b'\n");
        var variables = Variable.ReadFile(file, problems);
        problems.All.ShouldBeEmpty();
        variables.Select(v => $"{v.Name}={v.Value}").ShouldBe(["REGISTRY_HTTP_ADDR=:5001", "REGISTRY_LOG_LEVEL=warn", "REGISTRY_HTTP_SECRET=a=b"]);
        variables[0].Place.ShouldBe($"{file}:4");
    }

    [Fact]
    public void VariableFile_ThatIsNone_IsAProblem()
    {
        var problems = new Problems();
        Variable.ReadFile(_old.Write("a", "REGISTRY_HTTP_ADDR\n"), problems);
        Variable.ReadFile(Path.Combine(_old.Folder, "absent"), problems);
        Variable.ReadFile(_old.Folder, problems);
        File.WriteAllBytes(Path.Combine(_old.Folder, "bytes"), [0xff, 0xfe, 0x00]);
        Variable.ReadFile(Path.Combine(_old.Folder, "bytes"), problems);
        Variable.ReadFile(_old.Write("huge", new string('a', (1 << 20) + 1)), problems);
        problems.All.Count.ShouldBe(5);
    }
}
