namespace Holdfast.Client.Credentials;

/// <summary>A name and a password, and where they come from. No record: its text would hold the password.</summary>
/// <param name="source">For people: the file or the helper.</param>
public sealed class Credential(string username, string password, string source)
{
    public string Username => username;

    public string Password => password;

    public string Source => source;
}
