using Holdfast.Storage.Blobs;
using Microsoft.Extensions.Primitives;

namespace Holdfast.Server.Http;

/// <summary>Brings a request to the capability that answers it, after its path and its caller were checked.</summary>
internal sealed class Dispatcher(RouteTable routes, AccessGate gate, DiskReserve reserve, StoreWatch watch, StoreWrites writes)
{
    private static readonly StringValues ApiVersion = "registry/2.0";
    private static readonly StringValues NoSniff = "nosniff";

    public async Task HandleAsync(RegistryRequest request)
    {
        var route = request.Route;
        var http = request.Context;
        http.Response.Headers["Docker-Distribution-API-Version"] = ApiVersion;
        // What is served here was written by others; no browser may take a layer for a page.
        http.Response.Headers.XContentTypeOptions = NoSniff;

        var entry = routes.Find(route.Kind, http.Request.Method);
        if (entry is not { Needs: null } && !await AdmitAsync(request, entry?.Needs ?? RegistryActions.None))
            return;
        if (entry is null)
            await AnswerUnmappedAsync(request);
        else if (route.Repository.IsNone && route.NeedsRepository)
            await request.FailAsync(Outcome.NameInvalid, NameProblem(route.Name));
        else
            await RunAsync(entry.Handler, request);
    }

    // Wherever the store turned out to be full or away: nothing was stored, and the answer says so.
    private async Task RunAsync(Handler handler, RegistryRequest request)
    {
        try
        {
            await handler(request);
        }
        catch (StoreFullException) when (!request.Context.Response.HasStarted)
        {
            await reserve.FailAsync(request);
        }
        catch (StoreAwayException) when (!request.Context.Response.HasStarted)
        {
            await watch.FailAsync(request);
        }
        catch (StoreUnwritableException e) when (!request.Context.Response.HasStarted)
        {
            await writes.FailAsync(request, e);
        }
    }

    private async ValueTask<bool> AdmitAsync(RegistryRequest request, RegistryActions needs)
    {
        var admission = await gate(request, needs);
        request.Caller = admission.Caller;
        if (admission.Outcome == AdmissionOutcome.Admitted)
            return true;
        await request.RefuseAsync(
            admission, "authentication required: the credentials are missing, wrong, or grant too little", Outcome.Denied, "this user may not do that in this repository");
        return false;
    }

    private Task AnswerUnmappedAsync(RegistryRequest request)
    {
        var allowed = routes.MethodsOf(request.Route.Kind);
        if (allowed.Length == 0)
            return request.FailAsync(Outcome.RouteUnknown, "nothing is served under this path; the protocol lies under /v2/");
        request.Context.Response.Headers.Allow = allowed;
        return request.FailAsync(Outcome.MethodNotAllowed, $"this path takes {allowed}");
    }

    private static string NameProblem(string name) => name.Length > Oci.RepositoryName.MaxLength
        ? $"a repository name has at most {Oci.RepositoryName.MaxLength} characters; this one has {name.Length}"
        : "a repository name is lower-case letters and digits in parts joined by '/', with single '.', '_', '__' or dashes inside a part";
}
