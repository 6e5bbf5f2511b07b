namespace Holdfast.Storage.Journal;

/// <summary>Journal and database can't be brought together without a person's word; the message says why and what to do.</summary>
public sealed class JournalException(string message) : Exception(message)
{
}
