using Holdfast.Configuration;

namespace Holdfast.Registry2;

/// <summary>auth, and what else decided who may do what there. Where a lock can't be taken over, the door stays shut: nothing gets open that wasn't.</summary>
internal sealed class AccessTranslation(GivenSettings given, MapSetting root, Origin file)
{
    private const string NoUsers = "nobody may come in until there are users: `holdfast user add NAME --file` and the file under registries.<name>.auth.htpasswd, or give one by --htpasswd";

    /// <param name="isCache">Clients never push to it.</param>
    /// <param name="chosen">An htpasswd file that the user gives; null: the configuration's.</param>
    public MovedAccess Translate(bool isCache, string? chosen)
    {
        var isReadOnly = given.Flag("storage.maintenance.readonly.enabled");
        var deletes = given.Flag("storage.delete.enabled");
        var needsCertificates = ClientCertificates();
        var kind = Kind();
        var (isOpen, htpasswd) = (kind, chosen) switch
        {
            (_, not null) => (false, chosen),
            ("htpasswd", null) => (false, given.Text("auth.htpasswd.path")),
            ("none", null) => (!needsCertificates, null),
            _ => (false, (string?)null),
        };
        given.Tell("auth.htpasswd.path", Verdict.Taken, "registries.<name>.auth.htpasswd");
        if (kind == "htpasswd" && htpasswd is null)
            given.Tell("auth.htpasswd.path", file, Verdict.Wrong, "is missing; htpasswd needs a file");
        return isReadOnly ? ReadOnly(isOpen, htpasswd) : ReadWrite(isOpen, htpasswd, deletes, isCache);
    }

    private MovedAccess ReadOnly(bool isOpen, string? htpasswd)
    {
        given.Tell("storage.delete.enabled", Verdict.NotNeeded, "read-only");
        given.Tell("storage.maintenance.readonly.enabled", Verdict.Taken, isOpen
            ? "everyone may pull (auth.anonymous), and there are no users who could push"
            : "users may only pull (registries.<name>.access). If it was for the garbage collection: that needs no read-only time here, so let them push");
        return new MovedAccess(IsOpen: false, htpasswd) { AnonymousPull = isOpen, Actions = isOpen ? null : ["pull"] };
    }

    private MovedAccess ReadWrite(bool isOpen, string? htpasswd, bool deletes, bool isCache)
    {
        given.Tell("storage.maintenance.readonly.enabled", Verdict.NotNeeded, "off, as here");
        if (isCache)
        {
            given.Tell("storage.delete.enabled", Verdict.NotNeeded, "of a cache nobody deletes");
            return new MovedAccess(isOpen, htpasswd);
        }

        if (isOpen && !deletes)
        {
            const string Everyone = "deletes are off there, and there are no users: here everyone may delete, too. What is deleted can be restored for trash.keep; with users, rules would forbid it";
            given.Tell("storage.delete.enabled", given.Find("storage.delete.enabled")?.Origin ?? file, Verdict.NotHere, Everyone);
        }
        else
        {
            given.Tell("storage.delete.enabled", Verdict.Taken, deletes ? "whoever may push may delete" : "users may pull and push, and not delete (registries.<name>.access)");
        }

        return new MovedAccess(isOpen, htpasswd) { Actions = deletes || isOpen ? null : ["pull", "push"] };
    }

    private bool ClientCertificates()
    {
        var needed = given.Find("http.tls.clientcas") is { Value: ListSetting { Items.Count: > 0 } };
        const string Text = "clients aren't known by certificates here; let a proxy in front ask for them, or give users (auth.htpasswd)";
        given.Tell("http.tls.clientcas", needed ? Verdict.NotHere : Verdict.NotNeeded, needed ? Text : "is empty");
        given.Tell("http.tls.clientauth", Verdict.NotHere, Text);
        return needed;
    }

    private string Kind()
    {
        if (root.Find("auth") is not MapSetting { Entries: { Count: > 0 } entries } auth)
            return "none";
        if (entries.Count > 1)
        {
            given.Tell("auth", auth.Origin, Verdict.Wrong, $"{string.Join(" and ", entries.Select(entry => Problems.Quote(entry.Name)))} are given; one of them must go");
            return "unclear";
        }

        var (name, origin) = (entries[0].Name, entries[0].Origin);
        if (name == "token")
        {
            given.Tell("auth.token.realm", Verdict.NotHere, "goes with auth.token");
            given.Tell("auth.token", origin, Verdict.NotHere, $"another server's tokens aren't taken here. {NoUsers}");
        }
        else if (name == "silly")
        {
            given.Tell("auth.silly.realm", Verdict.NotNeeded, "goes with auth.silly");
            given.Tell("auth.silly", origin, Verdict.NotHere, $"lets in whoever sends anything, for tests. {NoUsers}");
        }
        else if (name.Equals("none", StringComparison.OrdinalIgnoreCase))
        {
            return "none";
        }
        else if (name != "htpasswd")
        {
            given.Tell($"auth.{name}", origin, Verdict.Wrong, $"is no way to log in that registry:2 has{(NearestName.Find(name, ["htpasswd", "token", "silly"]) is { } near ? $"; did you mean {near}?" : "")}");
        }

        return name;
    }
}
