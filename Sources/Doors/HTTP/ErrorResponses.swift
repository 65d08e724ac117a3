internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore

/// The outermost middleware of an HTTP door: counts requests and gives every error the one form of `ErrorBody`.
struct ErrorResponses: RouterMiddleware {
    typealias Context = BasicRequestContext

    /// Which methods a path answers to, for 405 instead of 404.
    let table: RouteTable
    let instruments: HTTPInstruments

    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        let response: Response
        do {
            response = try await next(request, context)
        } catch let failure as RequestFailure {
            response = Self.response(to: failure)
        } catch is NIOTooManyBytesError {
            response = ErrorBody.response(
                status: .contentTooLarge,
                .init(errorCode: "REQUEST_TOO_LARGE", message: "The request's body is longer than this resource takes.")
            )
        } catch let error as HTTPError {
            response = self.response(to: error, request)
        } catch {
            context.logger.error(
                "A request failed", metadata: ["http.path": "\(request.uri.path)", "error": "\(error)"])
            response = ErrorBody.response(
                status: .internalServerError,
                .init(errorCode: "UNKNOWN_EXCEPTION", message: "An unexpected error occurred. Please look at the log."))
        }
        instruments.request(method: Self.label(of: request.method), status: response.status.code).increment()
        instruments.requestSeconds.observe(start.duration(to: .now))
        return response
    }

    private static func response(to failure: RequestFailure) -> Response {
        let refusal = failure.refusal
        return ErrorBody.response(
            status: HTTPResponse.Status(code: refusal.status),
            .init(errorCode: refusal.errorCode, message: refusal.message), headers: [.connection: "close"])
    }

    private func response(to error: HTTPError, _ request: Request) -> Response {
        guard error.status == .notFound, error.body == nil else {
            let message = error.body ?? error.status.reasonPhrase
            let code = error.status.reasonPhrase.uppercased().replacing(" ", with: "_")
            return ErrorBody.response(
                status: error.status, .init(errorCode: code, message: message), headers: error.headers)
        }
        let allowed = table.methods(of: request.uri.path)
        guard !allowed.isEmpty else {
            return ErrorBody.response(
                status: .notFound, .init(errorCode: "NOT_FOUND", message: "The requested resource does not exist"))
        }
        let list = allowed.joined(separator: ",")
        return ErrorBody.response(
            status: .methodNotAllowed,
            .init(
                errorCode: "METHOD_NOT_ALLOWED",
                message: "HTTP Method '\(request.method.rawValue)' not allowed. Allowed are \(list)"),
            headers: [.allow: list])
    }

    /// A method as a label: what a client invents must not make new time series.
    private static func label(of method: HTTPRequest.Method) -> String {
        switch method {
        case .get, .head, .post, .put, .patch, .delete, .options: method.rawValue
        default: "other"
        }
    }
}
