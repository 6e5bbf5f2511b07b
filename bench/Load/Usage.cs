namespace Holdfast.Load;

internal static class Usage
{
    private const string Text = """
        load: measures any registry over plain HTTP

          load run --url U --workload W [options]
            --workload     manifest-by-tag, manifest-by-digest, head, pull, push, small-push, tags, catalog,
                           or get (any path of any HTTP server, with --path)
            --connections N   default 16
            --duration 10s    or --requests N
            --warmup 1s       not counted; 0s with --requests
            --rate R          open loop: R requests a second on a fixed timetable; latency counts from the timetable
            --threads N       of the reading workloads; default one per core, never more than connections
            --size 1GiB       of the layer of pull and push (default 1MiB)
            --upload patch    push a layer with POST, PATCH, PUT; or put for POST, PUT (default of small-push)
            --repository R    default bench/load
            --path P          what get asks for
            --entries N       tags, catalog: how many `prepare` made
            --verify          hash what pull reads (costs the client CPU)
            --seed N          of the random data; default differs each time
            --user U with --password-stdin or --password-file F
            --pid P           server process to account for, with its children; repeatable
            --json            one JSON object instead of text
            --figure F --server S --round N --append FILE   add the result to a file that `report` reads

          load prepare --url U --repository R --tags N
          load prepare --url U --repositories N [--prefix bench/c]
            fills a registry for the tags and catalog workloads

          load start --url U [--settle 3s] -- COMMAND ARGUMENTS...
            starts a server, times its first 200, reads its memory at rest, stops it

          load report --results FILE --out FILE.md
            medians, ratios and targets as Markdown

        Exit codes: 0 fine, 1 some requests failed, 2 could not do it.
        """;

    public static int Print()
    {
        Console.Error.WriteLine(Text);
        return 2;
    }
}
