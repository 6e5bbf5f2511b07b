using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Http;

/// <summary>
/// Brings a request to the administration's handler that answers it: from the socket without more, since its file's mode decided who may open it; from a listener if its
/// user may administer.
/// </summary>
internal sealed class AdminDispatcher(AdminTable table, AccessGate gate, TimeProvider time, ILogger<AdminDispatcher> log)
{
    public async Task HandleAsync(RegistryRequest request)
    {
        var http = request.Context;
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers.CacheControl = "no-store";
        if (!await AdmitAsync(request))
            return;
        var path = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (request.Route.Kind != RouteKind.Admin)
            await request.FailAsync(Outcome.AdminRouteUnknown, $"this socket serves {AdminTable.Root}, /healthz, /readyz and /metrics; images are pushed and pulled at the listeners");
        else if (table.TryFind(http.Request.Method, RequestTarget.Path(path), out var match))
            await RunAsync(match, request);
        else
            await AnswerUnmappedAsync(request, table.MethodsOf(RequestTarget.Path(path)));
    }

    private async Task RunAsync(AdminMatch match, RegistryRequest request)
    {
        try
        {
            await match.Handler(new AdminRequest(request, match.Values, time, log));
        }
        catch (AdminException e) when (!request.Context.Response.HasStarted)
        {
            await request.FailAsync(e.Outcome, e.Message);
        }
    }

    private async ValueTask<bool> AdmitAsync(RegistryRequest request)
    {
        if (request.Listener.LocalCaller is { } local)
        {
            request.Caller = local;
            return true;
        }
        var admission = await gate(request, RegistryActions.Admin);
        request.Caller = admission.Caller;
        if (admission.Outcome != AdmissionOutcome.Admitted)
        {
            await RefuseAsync(request, admission);
            return false;
        }
        if (!IsFromElsewhere(request.Context.Request))
            return true;
        await request.FailAsync(Outcome.AdminRefused, "this was sent by a page of another site, which may not use its reader's credentials");
        return false;
    }

    private static Task AnswerUnmappedAsync(RegistryRequest request, string allowed)
    {
        if (allowed.Length == 0)
            return request.FailAsync(Outcome.AdminRouteUnknown, "the administration has nothing under this path; /api/v1/openapi.json tells what it has");
        request.Context.Response.Headers.Allow = allowed;
        return request.FailAsync(Outcome.MethodNotAllowed, $"this path takes {allowed}");
    }

    private static Task RefuseAsync(RegistryRequest request, Admission admission) => request.RefuseAsync(
        admission,
        "administration needs a user's name and password (Basic); they are missing or wrong, and a token doesn't do",
        Outcome.AdminRefused,
        admission.Outcome == AdmissionOutcome.LocalOnly
            ? "this listener's registry has no users, so that it can't be administered from here; do it on the server's machine, through admin.sock in its data folder "
                + "(commands take it with --data)"
            : "this user may not administer; an access rule for all repositories (\"**\") with the action admin lets one");

    // A browser sends remembered credentials along with what any page makes it send, but says from where.
    private static bool IsFromElsewhere(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        return origin.Length > 0 && !origin.Equals($"{request.Scheme}://{request.Host.Value}", StringComparison.OrdinalIgnoreCase);
    }
}
