namespace Holdfast.Configuration;

/// <summary>The commented sample (deploy/holdfast.sample.yaml), which travels in the program.</summary>
internal static class ConfigurationSample
{
    public static string Read()
    {
        using var stream = typeof(ConfigurationSample).Assembly.GetManifestResourceStream("holdfast.sample.yaml")
            ?? throw new InvalidOperationException("The program was built without its sample.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
