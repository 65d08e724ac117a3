import ChangeEvents
import Doors
import HTTPTypes
import Hummingbird
import NIOCore
import Sandbox
import ServiceLifecycle

/// The control door: what only a sandbox can do. `/sandbox/faults`, `/sandbox/clock`, `/sandbox/truth`, and what the page at the
/// root shows.
///
/// It needs no session: whoever reaches it may do all. Therefore it answers callers on this machine only, unless
/// `isOpenToAll`; and no page of another site, which a browser would let call it (`Origin`), or whose name was made to point here
/// (`Host`).
struct ControlRoutes: HTTPRoutes {
    var control: SandboxControl
    /// Answers callers on other machines too.
    var isOpenToAll = false

    func add(to router: Router<BasicRequestContext>) {
        let sandbox = router.group("/sandbox").add(middleware: ControlGuard(isOpenToAll: isOpenToAll))
        sandbox.get("/faults") { _, _ in Self.answer(control.faultsDocument()) }
        sandbox.post("/faults") { request, _ in
            Self.answer(try control.setFault(try await Self.body(of: request)), status: .created)
        }
        sandbox.delete("/faults") { _, _ in
            control.clearFaults()
            return Response(status: .noContent)
        }
        sandbox.get("/faults/calls") { request, _ in
            let query = request.uri.queryParameters
            return Self.answer(
                try control.callsDocument(
                    after: query["after"].map(String.init), limit: query["limit"].map(String.init)))
        }
        sandbox.get("/faults/fired") { request, _ in
            let query = request.uri.queryParameters
            return Self.answer(
                try control.strikesDocument(
                    after: query["after"].map(String.init), limit: query["limit"].map(String.init)))
        }
        sandbox.get("/faults/{id}") { _, context in
            Self.answer(try control.faultDocument(id: try context.parameters.require("id")))
        }
        sandbox.delete("/faults/{id}") { _, context in
            try control.removeFault(id: try context.parameters.require("id"))
            return Response(status: .noContent)
        }
        sandbox.post("/gaps") { request, _ in
            Self.answer(try await control.publishGap(try await Self.body(of: request)), status: .created)
        }
        sandbox.post("/managed-holds") { request, _ in
            Self.answer(try control.holdManagedSubscription(try await Self.body(of: request)), status: .created)
        }
        sandbox.post("/event-access") { request, _ in
            Self.answer(try control.setEventAccess(try await Self.body(of: request)))
        }
        sandbox.get("/clock") { _, _ in Self.answer(control.clockDocument()) }
        sandbox.post("/clock") { request, _ in
            Self.answer(try await control.moveClock(try await Self.body(of: request)))
        }
        sandbox.get("/truth") { request, _ in
            Self.answer(try await control.truthDocument(fields: request.uri.queryParameters["fields"].map(String.init)))
        }
        sandbox.get("/truth/{object}") { request, context in
            let query = request.uri.queryParameters
            return Self.answer(
                try await control.truthDocument(
                    object: try context.parameters.require("object"), fields: query["fields"].map(String.init),
                    after: query["after"].map(String.init), limit: query["limit"].map(String.init)))
        }
        sandbox.get("/overview") { _, _ in Self.answer(try await control.overviewDocument()) }
        sandbox.get("/subscribers") { _, _ in Self.answer(control.subscribersDocument()) }
        sandbox.get("/events") { request, _ in
            let query = request.uri.queryParameters
            return Self.answer(
                try await control.eventsDocument(
                    after: query["after"].map(String.init), limit: query["limit"].map(String.init),
                    seconds: query["seconds"].map(String.init),
                    // A stop does not wait for those who wait.
                    waiting: { wait in await cancelWhenGracefulShutdown { await wait() } }))
        }
        sandbox.post("/session") { request, _ in
            Self.answer(try await control.openSession(try await Self.body(of: request)), status: .created)
        }
    }

    /// The largest document of the control door.
    private static let bodyBytesMax = 64 << 10

    static func body(of request: Request) async throws -> JSONValue {
        let bytes = try await request.body.collect(upTo: bodyBytesMax)
        do throws(JSONError) {
            return try JSONParser.parse(bytes.readableBytesView)
        } catch {
            throw ControlError(reason: "The body is not JSON: \(error)")
        }
    }

    static func answer(_ document: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        var buffer = ByteBuffer()
        JSONWriter.write(document, into: &buffer)
        buffer.writeString("\n")
        return Response(
            status: status, headers: [.contentType: "application/json;charset=UTF-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: buffer))
    }
}

/// Who may call the control door; and its refusals in its own form.
private struct ControlGuard: RouterMiddleware {
    typealias Context = BasicRequestContext

    var isOpenToAll: Bool

    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            try check(request)
            return try await next(request, context)
        } catch let error as ControlError {
            return ControlRoutes.answer(error.json, status: .init(code: error.status))
        } catch is NIOTooManyBytesError {
            return ControlRoutes.answer(
                ControlError(status: 413, reason: "The body is longer than the control door takes.").json,
                status: .contentTooLarge)
        }
    }

    private func check(_ request: Request) throws(ControlError) {
        let authority = request.head.authority ?? ""
        if let origin = request.headers[.origin], origin != "http://\(authority)", origin != "https://\(authority)" {
            throw ControlError(
                status: 403, field: "Origin", reason: "A page of \(origin) may not use the control door.")
        }
        guard !isOpenToAll else { return }
        guard HTTPConnection.isFromLoopback else {
            throw ControlError(
                status: 403,
                reason: "The control door answers on this machine only. (millrace sandbox --control-from-anywhere)")
        }
        let host = request.host
        guard WebAddress.isThisMachine(String(host)) else {
            throw ControlError(
                status: 403, field: "Host",
                reason: "The control door is called by 127.0.0.1 or localhost, not by \(host).")
        }
    }
}
