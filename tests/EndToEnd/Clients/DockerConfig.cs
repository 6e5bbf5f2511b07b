using System.Text;
using System.Text.Json.Nodes;
using EndToEnd.Servers;

namespace EndToEnd.Clients;

/// <summary>The config.json that Docker's clients, and those that copied its format, read credentials from.</summary>
internal static class DockerConfig
{
    /// <returns>The folder that holds it.</returns>
    public static string Write(Lab lab, Endpoint endpoint)
    {
        var auths = new JsonObject();
        if (endpoint.Credentials is var (user, password))
        {
            auths[endpoint.Host] = new JsonObject { ["auth"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")) };
        }

        var folder = lab.NewFolder("auth");
        File.WriteAllText(Path.Combine(folder, "config.json"), new JsonObject { ["auths"] = auths }.ToJsonString());
        return folder;
    }
}
