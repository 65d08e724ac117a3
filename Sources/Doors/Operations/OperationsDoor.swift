internal import HTTPTypes
public import Hummingbird
internal import NIOCore

/// `/health`, `/ready` and `/metrics`: what an orchestrator and a monitoring system ask.
///
/// `/health` says that the process answers; it looks at nothing else, so that a broken dependency does not get the process
/// killed. `/ready` runs the checks and answers 503 when one fails: no traffic now, perhaps later.
public struct OperationsDoor: HTTPRoutes {
    /// How one part of the process is.
    public struct Status: Sendable, Hashable {
        public var isReady: Bool
        /// For people: `12 events behind`, `no connection to the org since 10:31:07`.
        public var detail: String

        public init(isReady: Bool, detail: String) {
            self.isReady = isReady
            self.detail = detail
        }
    }

    /// A question that `/ready` asks.
    public struct Check: Sendable {
        /// `store`, `upstream`
        public var name: String
        /// Must answer from what is known, without waiting for the network; it is cancelled after `checkTimeout`.
        public var status: @Sendable () async -> Status

        public init(name: String, status: @escaping @Sendable () async -> Status) {
            self.name = name
            self.status = status
        }
    }

    public static let checkTimeout = Duration.seconds(5)

    private let checks: [Check]
    private let metrics: MetricsRegistry

    public init(checks: [Check], metrics: MetricsRegistry) {
        self.checks = checks
        self.metrics = metrics
    }

    public func add(to router: Router<BasicRequestContext>) {
        router.get("/health") { _, _ in
            Self.response(status: .ok, .object([.init(name: "status", value: .string("ok"))]))
        }
        router.get("/ready") { _, _ in await readiness() }
        router.get("/metrics") { [metrics] _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: metrics.render()))
        }
    }

    private func readiness() async -> Response {
        let results = await withTaskGroup(of: (Int, Status).self) { group in
            for (index, check) in checks.enumerated() {
                group.addTask { (index, await Self.run(check)) }
            }
            var results: [Int: Status] = [:]
            for await (index, status) in group { results[index] = status }
            return results
        }
        let isReady = results.values.allSatisfy(\.isReady)
        let list = checks.indices.map { index in
            JSONValue.object([
                .init(name: "name", value: .string(checks[index].name)),
                .init(name: "ready", value: .boolean(results[index]?.isReady ?? false)),
                .init(name: "detail", value: .string(results[index]?.detail ?? "")),
            ])
        }
        return Self.response(
            status: isReady ? .ok : .serviceUnavailable,
            .object([.init(name: "ready", value: .boolean(isReady)), .init(name: "checks", value: .array(list))]))
    }

    private static func run(_ check: Check) async -> Status {
        await withTaskGroup(of: Status?.self) { group in
            group.addTask { await check.status() }
            group.addTask {
                do { try await Task.sleep(for: checkTimeout) } catch { return nil }
                return Status(isReady: false, detail: "no answer within \(checkTimeout)")
            }
            var first: Status?
            for await status in group {
                if first == nil, let status {
                    first = status
                    group.cancelAll()
                }
            }
            return first ?? Status(isReady: false, detail: "no answer")
        }
    }

    private static func response(status: HTTPResponse.Status, _ document: JSONValue) -> Response {
        var buffer = ByteBuffer()
        JSONWriter.write(document, into: &buffer)
        buffer.writeStaticString("\n")
        return Response(
            status: status, headers: [.contentType: ErrorBody.contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: buffer))
    }
}
