using System.Globalization;

namespace Holdfast.Configuration;

/// <summary>Reads checked settings as what they mean; what is missing or was reported as wrong is the default.</summary>
internal static class SettingReader
{
    extension(MapSetting? map)
    {
        public MapSetting? Map(string name) => map?.Find(name) is MapSetting { Bad: false } inner ? inner : null;

        public IReadOnlyList<Setting> List(string name) => map?.Find(name) is ListSetting { Bad: false } list ? list.Items : [];

        public ScalarSetting? Scalar(string name) => map?.Find(name) is ScalarSetting { Bad: false, IsEmpty: false } scalar ? scalar : null;

        public string? Text(string name) => map.Scalar(name)?.Text;

        /// <summary>A path, made full from the folder of the file that it stands in.</summary>
        public string? FullPath(string name) => map.Scalar(name) is { } s ? Path.GetFullPath(s.Text, s.Origin.BaseFolder) : null;

        public IReadOnlyList<string> Texts(string name) =>
            [.. map.List(name).OfType<ScalarSetting>().Where(s => !s.Bad).Select(s => s.Text)];

        public int Number(string name, int otherwise) =>
            map.Text(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

        public bool Flag(string name, bool otherwise) => map.Text(name) is { } text ? text == "true" : otherwise;

        public TimeSpan Duration(string name, TimeSpan otherwise) =>
            map.Text(name) is { } text && Quantity.ParseDuration(text, out var value) is null ? value : otherwise;

        public TimeSpan? Duration(string name) =>
            map.Text(name) is { } text && Quantity.ParseDuration(text, out var value) is null ? value : null;

        public long Rate(string name, long otherwise) =>
            map.Text(name) is { } text && Quantity.ParseRate(text, out var value) is null ? value : otherwise;

        public int Percent(string name, int otherwise) =>
            map.Text(name) is { } text && Quantity.ParsePercent(text, out var value) is null ? value : otherwise;

        public long? Size(string name) =>
            map.Text(name) is { } text && Quantity.ParseSize(text, out var value) is null ? value : null;

        public long Size(string name, long otherwise) =>
            map.Text(name) is { } text && Quantity.ParseSize(text, out var value) is null ? value : otherwise;
    }
}
