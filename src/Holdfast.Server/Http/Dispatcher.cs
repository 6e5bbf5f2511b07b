namespace Holdfast.Server.Http;

/// <summary>Brings a request to the capability that answers it.</summary>
internal sealed class Dispatcher
{
    public Task HandleAsync(RegistryRequest request)
    {
        request.Context.Response.StatusCode = 404;
        return Task.CompletedTask;
    }
}
