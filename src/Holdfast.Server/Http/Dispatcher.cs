using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace Holdfast.Server.Http;

/// <summary>Brings a request to the capability that answers it, after its path and its caller were checked.</summary>
internal sealed class Dispatcher(RouteTable routes, AccessGate gate)
{
    private static readonly StringValues ApiVersion = "registry/2.0";

    public async Task HandleAsync(RegistryRequest request)
    {
        var route = request.Route;
        var http = request.Context;
        http.Response.Headers["Docker-Distribution-API-Version"] = ApiVersion;

        var entry = routes.Find(route.Kind, http.Request.Method);
        var admission = await gate(request, entry?.Needs ?? RegistryActions.None);
        if (admission.Kind != AdmissionKind.Admitted)
        {
            await RefuseAsync(request, admission);
            return;
        }

        if (entry is null)
            await AnswerUnmappedAsync(request);
        else if (route.Repository.IsNone && route.Name.Length > 0)
            await request.FailAsync(Outcome.NameInvalid, NameProblem(route.Name));
        else
            await entry.Handler(request);
    }

    private Task AnswerUnmappedAsync(RegistryRequest request)
    {
        var allowed = routes.MethodsOf(request.Route.Kind);
        if (allowed.Length == 0)
            return request.FailAsync(Outcome.RouteUnknown, "nothing is served under this path; the protocol lies under /v2/");
        request.Context.Response.Headers.Allow = allowed;
        return request.FailAsync(Outcome.MethodNotAllowed, $"this path takes {allowed}");
    }

    private static Task RefuseAsync(RegistryRequest request, Admission admission)
    {
        var headers = request.Context.Response.Headers;
        switch (admission.Kind)
        {
            case AdmissionKind.Unauthorized:
                headers.WWWAuthenticate = admission.Challenge;
                return request.FailAsync(Outcome.Unauthorized, admission.Message ?? "authentication required");
            case AdmissionKind.SlowDown:
                headers.RetryAfter = Math.Ceiling(admission.RetryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
                return request.FailAsync(Outcome.SlowDown, admission.Message ?? "too many failed logins; wait before the next one");
            default:
                return request.FailAsync(Outcome.Denied, admission.Message ?? "this caller may not do that here");
        }
    }

    private static string NameProblem(string name) => name.Length > Oci.RepositoryName.MaxLength
        ? $"a repository name has at most {Oci.RepositoryName.MaxLength} characters; this one has {name.Length}"
        : "a repository name is lower-case letters and digits in parts joined by '/', with single '.', '_', '__' or dashes inside a part";
}
