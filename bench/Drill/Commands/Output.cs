using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Holdfast.Drill.Commands;

internal static class Output
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Prints a drill's figures, then its faults.</summary>
    /// <returns>The exit code.</returns>
    public static int Print<T>(T result, bool json, IReadOnlyList<string> faults)
    {
        var text = JsonSerializer.SerializeToElement(result, Json);
        if (json)
        {
            Console.WriteLine(text);
        }
        else
        {
            foreach (var figure in text.EnumerateObject().Where(figure => figure.Name != "faults"))
                Console.WriteLine($"{figure.Name,-24} {(figure.Value.ValueKind == JsonValueKind.Number ? figure.Value.GetDouble().ToString("0.###", CultureInfo.InvariantCulture) : figure.Value.ToString())}");
            foreach (var fault in faults)
                Console.WriteLine($"FAULT {fault}");
            Console.WriteLine(faults.Count == 0 ? "all right" : $"{faults.Count} faults");
        }

        return faults.Count == 0 ? 0 : 1;
    }
}
