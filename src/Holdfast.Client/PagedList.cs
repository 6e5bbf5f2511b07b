namespace Holdfast.Client;

/// <summary>Reads a list page after page, as far as its pages lead on and within limits (P10): a registry can send pages for ever.</summary>
/// <param name="maxItems">One more, and the list is unusable.</param>
internal sealed class PagedList<T>(RegistryExchange exchange, ListPage<T> page, int maxItems)
    where T : notnull
{
    // Registries give 100 items a page and more; whoever gives a few is let go on for a while.
    private const int FreePages = 100;
    private const int ItemsPerPage = 10;

    public async ValueTask<RegistryAnswer<IReadOnlyList<T>>> ReadAsync(Ask ask, string scope, CancellationToken token)
    {
        // A list that changes while it is read may name something twice.
        var items = new OrderedSet();
        var seen = new HashSet<Uri>();
        var received = 0L;
        for (var next = ask.Target; next is not null;)
        {
            var reply = await exchange.FindAsync(ask with { Target = next }, scope, token);
            if (reply.Response is not { } response)
                return new(reply.Failure!);
            using (response)
            {
                if (Failures.OfPage(response) is { } html)
                    return new(html);
                var body = await BoundedBody.ReadAsync(exchange.Options, response, ListPage<T>.MaxSizeBytes, token);
                if (!body.TryGet(out var bytes, out var failure))
                    return new(failure);
                var problem = page.ReadInto(items, bytes) ?? (items.Count > maxItems ? $"more than {maxItems} {page.One}s" : null);
                received += bytes.Length;
                problem ??= received > ListPage<T>.MaxTotalBytes ? $"more than {ListPage<T>.MaxTotalBytes} bytes of {page.One}s" : null;
                seen.Add(next);
                next = ListPage<T>.Next(next, response);
                problem ??= next is null ? null : FindProblem(seen, items.Count, next);
                if (problem is not null)
                    return new(new RegistryFailure(RegistryOutcome.Unusable, $"{ask.Target.Authority} answered {problem}") { Status = 200 });
            }
        }
        return new(items.InOrder);
    }

    private string? FindProblem(HashSet<Uri> seen, int items, Uri next)
    {
        // Every page leads on, so that there are no more pages than items.
        if (seen.Contains(next) || seen.Count > items + 1)
            return $"pages of {page.One}s that lead in a circle";
        return seen.Count > FreePages + (items / ItemsPerPage) ? $"pages of {page.One}s without end: {seen.Count} pages with {items} {page.One}s" : null;
    }

    private sealed class OrderedSet : System.Collections.ObjectModel.Collection<T>
    {
        private readonly HashSet<T> _known = [];

        public IReadOnlyList<T> InOrder => (IReadOnlyList<T>)Items;

        protected override void InsertItem(int index, T item)
        {
            if (_known.Add(item))
                base.InsertItem(index, item);
        }
    }
}
