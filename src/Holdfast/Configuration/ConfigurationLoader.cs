namespace Holdfast.Configuration;

/// <summary>What the command line says about the configuration.</summary>
internal sealed record ConfigurationArguments
{
    /// <summary>--config; if null, HOLDFAST_CONFIG, and if that isn't set either, no file.</summary>
    public string? File { get; init; }

    public string? Data { get; init; }

    public IReadOnlyList<string> Listen { get; init; } = [];

    public IReadOnlyList<string> Set { get; init; } = [];
}

/// <summary>Makes a configuration of the file, the environment and the arguments; the later of these wins. All problems are found at once (P9).</summary>
internal sealed class ConfigurationLoader(IReadOnlyDictionary<string, string> environment, string workingFolder, TimeProvider time)
{
    public static ConfigurationLoader OfProcess()
    {
        var variables = Environment.GetEnvironmentVariables();
        var environment = variables.Keys.Cast<string>().ToDictionary(k => k, k => (string)variables[k]!, StringComparer.Ordinal);
        return new ConfigurationLoader(environment, Environment.CurrentDirectory, TimeProvider.System);
    }

    public LoadResult Load(ConfigurationArguments arguments)
    {
        var problems = new Problems();
        var file = arguments.File ?? environment.GetValueOrDefault(Overrides.FileVariable);
        if (file is null)
            return Finish(new MapSetting(new Origin("defaults", workingFolder)), null, arguments, problems);
        var root = YamlFile.Read(file, problems);
        return root is null ? new LoadResult(null, problems.All, File.Exists(file) && CanRead(file)) : Finish(root, file, arguments, problems);
    }

    /// <summary>
    /// Reads where the data folder is, and nothing else: who administers a server need not be able to read its certificates, and it may run on while its file
    /// is being edited.
    /// </summary>
    /// <returns>The full path; null with the problems if the file can't be read.</returns>
    public (string? Folder, IReadOnlyList<Problem> Problems) FindDataFolder(string? givenFile)
    {
        var problems = new Problems();
        var file = givenFile ?? environment.GetValueOrDefault(Overrides.FileVariable);
        var root = file is null ? new MapSetting(new Origin("defaults", workingFolder)) : YamlFile.Read(file, problems);
        if (root is null)
            return (null, problems.All);
        new Overrides(root, workingFolder, problems).ApplyEnvironment(environment);
        return (ConfigurationBinder.DataFolder(root, workingFolder), []);
    }

    /// <summary>Loads text as if it were a file of this name in the working folder.</summary>
    public LoadResult LoadText(string text, string name, ConfigurationArguments arguments)
    {
        var problems = new Problems();
        var root = YamlFile.Parse(text, name, workingFolder, problems);
        return root is null ? new LoadResult(null, problems.All, true) : Finish(root, name, arguments, problems);
    }

    private LoadResult Finish(MapSetting root, string? file, ConfigurationArguments arguments, Problems problems)
    {
        var overrides = new Overrides(root, workingFolder, problems);
        overrides.ApplyEnvironment(environment);
        if (arguments.Data is not null)
            overrides.ApplyData(arguments.Data);
        if (arguments.Listen.Count > 0)
            overrides.ApplyListeners(arguments.Listen);
        foreach (var assignment in arguments.Set)
            overrides.ApplySet(assignment);
        new SchemaCheck(problems).Check(root);
        var configuration = new ConfigurationBinder(root, file, workingFolder, problems, time).Bind();
        var failed = problems.All.Any(p => p.Weight == ProblemWeight.Error);
        return new LoadResult(failed ? null : configuration, problems.All, true);
    }

    private static bool CanRead(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
