using System.CommandLine;
using System.Globalization;
using System.Text;
using Holdfast.Server.Trash;
using Holdfast.Storage.Metadata;

namespace Holdfast.Commands;

/// <summary><c>holdfast trash list</c>, and where its siblings hang.</summary>
internal static class TrashCommand
{
    // What one request may ask for.
    private const int MaxPage = 1_000;

    private const string Description = """
        Lists, restores and purges what was deleted: by clients, by retention, by the collection. Nothing that was deleted is gone before trash.keep has passed.

          holdfast trash list --since 2h
          holdfast trash restore team/app:v1
          holdfast trash restore --run RUN                  undoes a retention run
          holdfast trash purge --repository 'team/**' --until 3d
        """;

    private const string ListDescription = """
        Lists what was deleted and can still be restored, the newest first. All that one delete took has the same operation.
        Digests are shortened; name such a thing to restore or purge by its ID, or take the whole digest from --json.
        Exit codes: 0 fine, 2 could not do it.

          holdfast trash list
          holdfast trash list --repository 'team/**' --since 2h
          holdfast trash list --tag v1 --since 2026-11-20T10:00 --until 2026-11-20T12:00
          holdfast trash list --cause retention --json
        """;

    private static readonly Option<int> Limit = new("--limit") { Description = "So many at most.", HelpName = "n", DefaultValueFactory = _ => 200 };

    public static Command Create()
    {
        var list = AdminCommand.Create("list", ListDescription, ListAsync);
        TrashSelectionOptions.AddTo(list);
        list.Add(Limit);
        return new Command("trash", Description) { list, TrashRestoreCommand.Create(), TrashPurgeCommand.Create() };
    }

    private static async Task<int> ListAsync(AdminCall call, CancellationToken token)
    {
        var wanted = call.Parsed.GetValue(Limit);
        if (wanted < 1)
            throw new AdminFault($"--limit {wanted}: at least 1");
        var selection = TrashSelectionOptions.Read(call.Parsed);
        var items = new List<TrashEntry>();
        long? next = null;
        do
        {
            var page = await call.Connection.GetAsync<TrashListing>(PathOf(selection, Math.Min(MaxPage, wanted - items.Count), next), token);
            items.AddRange(page.Items);
            next = page.Next;
        }
        while (next is not null && items.Count < wanted);
        var isAll = selection == new TrashSelection();
        await call.PrintAsync(new TrashListing(items, next), (text, listing) => Describe(text, listing, isAll));
        return RootCommands.Fine;
    }

    private static string PathOf(TrashSelection selection, int limit, long? after)
    {
        var path = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"/api/v1/trash?limit={limit}"));
        Add("after", after?.ToString(CultureInfo.InvariantCulture));
        Add("registry", selection.Registry);
        Add("repository", selection.Repository);
        Add("tag", selection.Tag);
        Add("digest", selection.Digest);
        Add("since", selection.Since);
        Add("until", selection.Until);
        Add("run", selection.Run);
        Add("cause", selection.Cause?.ToString().ToLowerInvariant());
        Add("operation", selection.Operation);
        return path.ToString();

        void Add(string name, string? value)
        {
            if (value is not null)
                path.Append('&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
        }
    }

    private static void Describe(StringBuilder text, TrashListing listing, bool isAll)
    {
        if (listing.Items.Count == 0)
        {
            text.AppendLine(isAll ? "the trash is empty" : "nothing in the trash is what you name");
            return;
        }
        var severalRegistries = listing.Items.Select(item => item.Registry).Distinct(StringComparer.Ordinal).Count() > 1;
        List<string[]> rows = [["ID", "DELETED (UTC)", "WHAT", "SIZE", "BY", "CAUSE", "OPERATION", "KEPT UNTIL (UTC)"]];
        foreach (var item in listing.Items)
        {
            rows.Add(
                [
                    item.Id.ToString(CultureInfo.InvariantCulture),
                    TrashWords.Time(item.DeletedAt),
                    (severalRegistries ? item.Registry + ": " : "") + TrashWords.Name(item.Kind, item.Repository, item.Tag, TrashWords.Short(item.Digest)),
                    ProgressDisplay.Bytes(item.SizeBytes),
                    item.Actor,
                    item.Run is null ? TrashWords.Word(item.Cause) : $"{TrashWords.Word(item.Cause)} {item.Run}",
                    item.Operation,
                    TrashWords.Time(item.KeptUntil),
                ]);
        }
        TrashWords.AppendTable(text, rows);
        if (listing.Next is not null)
            text.AppendLine(CultureInfo.InvariantCulture, $"and more; --limit shows more than {listing.Items.Count}");
    }
}
