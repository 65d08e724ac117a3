internal import HTTPTypes
internal import Hummingbird

/// Misbehaviour on command for HTTP: stands before every route but those of the control door (`/sandbox…` and the page at `/`),
/// so that a fault can always be ended.
struct HTTPFaults: RouterMiddleware {
    typealias Context = BasicRequestContext

    let oracle: any FaultOracle

    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let (method, path) = (request.method.rawValue, request.uri.path)
        guard !Self.isControl(path) else { return try await next(request, context) }
        if let fault = oracle.fault(at: .request(method: method, path: path)) {
            if let answer = try await suffer(fault) { return answer }
        }
        let response = try await next(request, context)
        if let fault = oracle.fault(at: .answer(method: method, path: path)), let answer = try await suffer(fault) {
            return answer
        }
        return response
    }

    private static func isControl(_ path: String) -> Bool {
        path == "/" || path == "/sandbox" || path.hasPrefix("/sandbox/")
    }

    /// What is answered instead; nil: the request goes on.
    private func suffer(_ fault: DoorFault) async throws -> Response? {
        switch fault {
        case .cut, .goAway:
            if let channel = HTTPConnection.channel { ConnectionFaults.cut(channel) }
            // Nobody reads it.
            return Response(status: .internalServerError)
        case .halfOpen:
            if let channel = HTTPConnection.channel { ConnectionFaults.silence(channel) }
            return nil
        case .stall(let duration):
            try await Stall.wait(duration)
            return nil
        case .unavailable(let status):
            return ErrorBody.response(
                status: .init(code: status),
                .init(
                    errorCode: "SERVER_UNAVAILABLE",
                    message: "The server is temporarily unable to service your request. Please try again later."))
        case .requestLimit:
            return ErrorBody.response(
                status: .forbidden,
                .init(errorCode: "REQUEST_LIMIT_EXCEEDED", message: "TotalRequests Limit exceeded."))
        case .expiredToken:
            return ErrorBody.response(
                status: .unauthorized,
                .init(errorCode: "INVALID_SESSION_ID", message: "Session expired or invalid"),
                headers: [.wwwAuthenticate: "Token"])
        }
    }
}
