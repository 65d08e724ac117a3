internal import HTTPTypes
public import Hummingbird
internal import Synchronization

/// Which web pages may call a door from the browser, as an org's CORS allow-list says it.
///
/// An entry is an origin (`https://www.example.com`, `http://localhost:3000`) or has `*.` in front of its domain
/// (`https://*.example.com`), which allows every host below it, not the domain itself. An empty list allows none: then the
/// door sends no CORS header at all, and browsers refuse by themselves.
///
/// A page's request from elsewhere is not an error of the server: it is served without CORS headers. Only a preflight from
/// an origin that is not listed is answered with 403, since nothing else would tell the developer why.
public final class CORSAllowList: RouterMiddleware {
    public typealias Context = BasicRequestContext

    private struct Pattern: Sendable {
        /// `https://`
        let scheme: Substring
        /// `.example.com`; nil for an exact entry.
        let suffix: Substring?
        let exact: String
    }

    private let patterns: Mutex<[Pattern]>

    static let methods = "GET, POST, PUT, PATCH, DELETE, HEAD"
    static let requestHeaders = [
        "authorization", "content-type", "accept", "x-prettyprint", "sforce-call-options", "sforce-query-options",
        "sforce-auto-assign", "sforce-duplicate-rule-header", "sforce-mru", "if-match", "if-none-match",
        "if-modified-since",
        "if-unmodified-since", "last-event-id",
    ]
    static let responseHeaders =
        "sforce-limit-info, sforce-locator, sforce-numberofrecords, etag, last-modified, location"
    /// How long a browser may keep the answer to a preflight.
    static let preflightAgeMaxSeconds = 3600

    public init(origins: [String]) {
        patterns = Mutex(origins.map { Self.pattern($0) })
    }

    /// Adds an entry while the door serves: for a page whose own address is known only after it listens.
    public func allow(_ origin: String) {
        patterns.withLock { $0.append(Self.pattern(origin)) }
    }

    private static func pattern(_ origin: String) -> Pattern {
        let origin = origin.lowercased()
        guard let separator = origin.firstRange(of: "://*.") else {
            return Pattern(scheme: "", suffix: nil, exact: origin)
        }
        let schemeEnd = origin.index(separator.lowerBound, offsetBy: 3)
        return Pattern(
            scheme: origin[..<schemeEnd], suffix: origin[origin.index(before: separator.upperBound)...], exact: origin)
    }

    /// Whether pages of this origin may call.
    public func allows(_ origin: String) -> Bool {
        let origin = origin.lowercased()
        return patterns.withLock(\.self).contains { pattern in
            guard let suffix = pattern.suffix else { return origin == pattern.exact }
            return origin.hasPrefix(pattern.scheme) && origin.hasSuffix(suffix)
                && origin.utf8.count > pattern.scheme.utf8.count + suffix.utf8.count
                && !origin.dropFirst(pattern.scheme.count).dropLast(suffix.count).contains(where: {
                    "/@:?#".contains($0)
                })
        }
    }

    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard patterns.withLock({ !$0.isEmpty }), let origin = request.headers[.origin] else {
            return try await next(request, context)
        }
        let isAllowed = allows(origin)
        if request.method == .options, request.headers[.accessControlRequestMethod] != nil {
            return isAllowed ? preflight(origin, request) : refusal(of: origin)
        }
        var response = try await next(request, context)
        response.headers.append(HTTPField(name: .vary, value: "Origin"))
        if isAllowed {
            response.headers[.accessControlAllowOrigin] = origin
            response.headers[.accessControlExposeHeaders] = Self.responseHeaders
        }
        return response
    }

    private func preflight(_ origin: String, _ request: Request) -> Response {
        // Salesforce allows any of its own headers; besides the known ones, those that begin with `sforce-` or `x-sfdc-`.
        let asked = (request.headers[.accessControlRequestHeaders] ?? "").lowercased().split(separator: ",").map {
            String($0.filter { $0 != " " })
        }
        let further = asked.filter { name in
            !Self.requestHeaders.contains(name) && (name.hasPrefix("sforce-") || name.hasPrefix("x-sfdc-"))
                && name.utf8.allSatisfy { $0 == 0x2D || (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }
        }
        return Response(
            status: .noContent,
            headers: [
                .accessControlAllowOrigin: origin, .accessControlAllowMethods: Self.methods,
                .accessControlAllowHeaders: (Self.requestHeaders + further).joined(separator: ", "),
                .accessControlMaxAge: String(Self.preflightAgeMaxSeconds), .vary: "Origin",
            ])
    }

    private func refusal(of origin: String) -> Response {
        ErrorBody.response(
            status: .forbidden,
            .init(
                errorCode: "CORS_ORIGIN_NOT_ALLOWED", message: "The origin '\(origin)' is not in the CORS allow-list."),
            headers: [.vary: "Origin"])
    }
}
