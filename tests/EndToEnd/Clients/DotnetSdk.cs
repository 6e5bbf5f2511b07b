using EndToEnd.Processes;
using EndToEnd.Servers;

namespace EndToEnd.Clients;

/// <summary>The .NET SDK's own container push: a program on a base image from the registry, without any container tool.</summary>
internal sealed class DotnetSdk(Lab lab)
{
    private readonly string _folder = lab.NewFolder("dotnet");

    /// <summary>Writes and builds a program that needs no package, before any setting that would keep a restore from its sources.</summary>
    public async Task BuildAsync(CancellationToken token)
    {
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "app.csproj"),
            """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <UseAppHost>false</UseAppHost>
                <EnableSdkContainerSupport>true</EnableSdkContainerSupport>
              </PropertyGroup>
            </Project>
            """,
            token);
        await File.WriteAllTextAsync(Path.Combine(_folder, "Program.cs"), "System.Console.WriteLine(\"built\");\n", token);
        await CallAsync(["build", "--configuration", "Release", "--nologo", "--verbosity", "quiet"], [], token);
    }

    /// <summary>Takes the base image from one repository of the registry and pushes the program's image to another.</summary>
    public Task PublishAsync(Endpoint endpoint, string baseRepository, string repository, CancellationToken token)
    {
        var environment = new Dictionary<string, string>
        {
            ["DOCKER_CONFIG"] = DockerConfig.Write(lab, endpoint),
            // It keeps base layers in the temporary folder, and then asks the registry for none.
            ["TMPDIR"] = lab.NewFolder("tmp"),
        };
        if (endpoint.Authority is { } authority)
        {
            environment["SSL_CERT_FILE"] = authority;
        }
        else
        {
            environment["DOTNET_CONTAINER_INSECURE_REGISTRIES"] = endpoint.Host;
        }

        return CallAsync(
            [
                "publish", "--no-build", "--configuration", "Release", "--nologo", "-t:PublishContainer",
                $"-p:ContainerBaseImage={endpoint.Host}/{baseRepository}:1", $"-p:ContainerRegistry={endpoint.Host}",
                $"-p:ContainerRepository={repository}", "-p:ContainerImageTag=1",
            ],
            environment,
            token);
    }

    private Task<string> CallAsync(IReadOnlyList<string> arguments, Dictionary<string, string> environment, CancellationToken token) =>
        new ToolCall("dotnet", arguments)
        {
            Directory = _folder,
            Environment = new Dictionary<string, string>(environment)
            {
                // A build node that stays would keep this run's environment for the next one.
                ["MSBUILDDISABLENODEREUSE"] = "1",
                ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0",
                ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
                ["DOTNET_NOLOGO"] = "1",
            },
        }.OutputAsync(token);
}
