namespace Holdfast.Server.Http;

/// <summary>Ends an administration request with an answer that was expected: something asked for isn't there, or can't be.</summary>
/// <param name="outcome">Status and code.</param>
/// <param name="message">What is wrong and what to do next, for a person.</param>
internal sealed class AdminException(Outcome outcome, string message) : Exception(message)
{
    public Outcome Outcome => outcome;
}
