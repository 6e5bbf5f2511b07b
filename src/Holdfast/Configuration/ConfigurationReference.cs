using System.Text;

namespace Holdfast.Configuration;

/// <summary>Writes docs/configuration.md from the schema.</summary>
internal static class ConfigurationReference
{
    private const string Introduction = """
        # Configuration

        This page is written by `holdfast config reference`; a test keeps the two the same.

        `holdfast serve` without a file serves one open registry, named `default`, on `http://127.0.0.1:5000` from `./data`.
        With `--config FILE`, or `HOLDFAST_CONFIG=FILE`, it does what the file says. `holdfast config sample` prints a file to start
        from; `holdfast config check --config FILE` finds every problem in one at once, each with its line, its key and the nearest known name.
        Nothing starts with a problem: an unknown key is never skipped.

        ## Who wins
        Arguments win over the environment, the environment over the file.

        - **Environment.** A key's variable is `HOLDFAST_` and the parts of its path, in capitals, joined by `_`; parts are written without their
          own separators: `uploads.maxAge` is `HOLDFAST_UPLOADS_MAXAGE`. Registries go by name without dashes (`HOLDFAST_REGISTRIES_PRIVATE_AUTH_HTPASSWD`), items of lists by
          number from 0 (`HOLDFAST_LISTENERS_0_URL`); a list of plain values may be given whole, with commas (`HOLDFAST_PROXIES_TRUSTED=10.0.0.0/8,192.168.1.1`).
          A variable `HOLDFAST_…` that names no key is a problem like any other. Variables that Kubernetes makes for a service named holdfast are passed over.
        - **Arguments.** `--data FOLDER`; `--listen URL`, or `--listen registry=URL`, which replaces all listeners; `--set key.path=value` for anything.

        ## Values
        - **path**: relative ones are relative to the folder of the file that they stand in; from the environment and from arguments, to the working folder.
        - **duration**: a whole number and `ms`, `s`, `m`, `h` or `d`. **size**: a whole number of bytes, or with `KiB` `MiB` `GiB` `TiB` (1024), `KB` `MB` `GB` `TB` (1000).
        - **pattern**: the parts of a repository's name; `*` is any text within a part, the part `**` any number of parts. `team/**`, `*/base`, `**`.
        - The file is one YAML document of at most 1 MiB, without anchors, aliases, tags and tabs.

        ## Keys

        """;

    private const string Ending = """

        ## Users
        A registry without users takes everything from everyone. On a listener beyond loopback that must be written: `auth: none`. With users, every user may do
        everything unless `access` has rules; then a user may do what the rules that name him grant together. Callers without credentials may pull if `anonymous: [pull]`
        says so, or a rule for the user `anonymous` with the action `pull`; they never push or delete.

        """;

    public static string Write()
    {
        var text = new StringBuilder(Introduction.ReplaceLineEndings("\n"));
        text.Append("| Key | Value | Default | Environment | |\n| --- | --- | --- | --- | --- |\n");
        foreach (var (path, key) in Schema.Keys.Where(k => k.Key.Shape is not Later))
        {
            if (Kind(key.Shape) is { } kind)
                text.Append($"| `{path}` | {kind} | {key.Default ?? ""} | `{Overrides.Variable(path)}` | {Escape(key.Help)} |\n");
            else
                text.Append($"| `{path}` | | {key.Default ?? ""} | | {Escape(key.Help)} |\n");
        }

        var later = Schema.Keys.Where(k => k.Key.Shape is Later).Select(k => k.Path);
        text.Append($"\nKnown, and refused by this version: `kind: cache`, {string.Join(", ", later.Select(p => $"`{p}`"))}.\n");
        return text.Append(Ending.ReplaceLineEndings("\n")).ToString();
    }

    private static string? Kind(Shape shape) => shape switch
    {
        Value value => value.Kind,
        Items { Item: Value value } => $"list of {value.Kind}",
        Group { Word: { } word } => $"`{word}` or a mapping",
        _ => null,
    };

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace("*", "\\*", StringComparison.Ordinal);
}
