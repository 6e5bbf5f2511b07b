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
          **rate**: a size a second, `50MiB/s`. **percentage**: a whole number from `0%` to `100%`.
        - **pattern**: the parts of a repository's name; `*` is any text within a part, the part `**` any number of parts. `team/**`, `*/base`, `**`.
          **tag pattern**: `*` is any text, `?` one character, the rest stands for itself and must fit whole: `latest`, `v*`, `2026-??-??`.
        - **schedule**: the five fields of crontab(5), by the machine's clock: `0 2 * * *` is 02:00 every day, `30 4 1,15 * mon-fri` half past four on the 1st, on the 15th and on
          working days. A time that the clocks pass over in spring runs right after the gap; one that they show twice in autumn runs the first time.
        - The file is one YAML document of at most 1 MiB, without anchors, aliases, tags and tabs.

        ## Keys

        """;

    private const string Ending = """

        ## Users
        A registry without users takes everything from everyone. On a listener beyond loopback that must be written: `auth: none`. With users, every user may pull, push
        and delete unless `access` has rules; then a user may do what the rules that name him grant together. Callers without credentials may pull if `anonymous: [pull]`
        says so, or a rule for the user `anonymous` with the action `pull`; they never push or delete. The action `admin` (trash, collection, retention, incidents and healing
        over the network) is nobody's unless a rule grants it; on the machine itself, administration is guarded by the permissions of `admin.sock` in the data folder.

        ## Caches
        A registry of `kind: cache` is filled from its `upstream` when clients pull; nobody pushes to it. It has a listener of its own, or shares one with `registry: "*"` with every other cache: there, containerd's `?ns=` chooses
        by `upstream.namespace`. [Nodes](nodes.md) says what clients are told. Plain http beyond loopback needs `insecure: true`; a cache whose upstream is this very server is refused. Of `access`, a cache knows `pull` and `admin`.
        Retention rules are for hosted registries, `"*"` included; what stays in a cache is said by `size.max` and `pin`.

        ## Retention
        Without rules nothing is ever removed. Of the rules, the first that fits a repository holds for it. What counts are images as they were pushed: manifests and indexes
        that no index lists; the platforms of an index come and go with it. A rule with any of `keepNewest`, `keepTags`, `keepPulledWithin` and `keepYoungerThan` keeps a tagged image for
        each of these reasons, and one that none of them keeps goes to the trash, from where it can be restored for `trash.keep`. A rule with none of them removes no tagged image.
        Images without a tag stay unless there is `untaggedAfter`. `inUse` lists and `maxRemoved` hold back what would do harm. [Retention](retention.md) has it all, with examples. `holdfast config check` says in words what each rule does.

        """;

    public static string Write()
    {
        var text = new StringBuilder(Introduction.ReplaceLineEndings("\n"));
        text.Append("| Key | Value | Default | Environment | |\n| --- | --- | --- | --- | --- |\n");
        foreach (var (path, key) in Schema.Keys)
        {
            if (Kind(key.Shape) is { } kind)
                text.Append($"| `{path}` | {kind} | {key.Default ?? ""} | `{Overrides.Variable(path)}` | {Escape(key.Help)} |\n");
            else
                text.Append($"| `{path}` | | {key.Default ?? ""} | | {Escape(key.Help)} |\n");
        }

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
