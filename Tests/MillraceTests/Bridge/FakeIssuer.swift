import Crypto
import Doors
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import Synchronization

@testable import millrace

/// Publishes a JWKS as a test says, over real HTTP on a free port.
final class FakeIssuer: HTTPRoutes {
    /// What `/jwks.json` answers.
    enum Answer: Sendable {
        case keys([(id: String, key: P256.Signing.PrivateKey)])
        case status(Int)
        case bytes(Int)
        /// To `/elsewhere.json`, which serves the keys.
        case redirect([(id: String, key: P256.Signing.PrivateKey)])
        /// The head, and never the end of the body.
        case hanging
    }

    static let name = "https://issuer.example"
    static let audience = "millrace"

    private let answer: Mutex<Answer>
    private let requests = Atomic<Int>(0)

    init(_ answer: Answer) {
        self.answer = Mutex(answer)
    }

    var requestCount: Int { requests.load(ordering: .relaxed) }

    func answer(_ answer: Answer) {
        self.answer.withLock { $0 = answer }
    }

    func add(to router: Router<BasicRequestContext>) {
        router.get("/jwks.json") { [self] _, _ -> Response in
            requests.wrappingAdd(1, ordering: .relaxed)
            switch answer.withLock({ $0 }) {
            case .keys(let keys): return try Self.response(keys)
            case .status(let code): return Response(status: .init(code: code))
            case .bytes(let count):
                return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(repeating: 0x20, count: count)))
            case .redirect:
                return Response(status: .found, headers: [.location: "/elsewhere.json"])
            case .hanging:
                return Response(
                    status: .ok,
                    body: .init { writer in
                        try await writer.write(ByteBuffer(string: "{"))
                        try await Task.sleep(for: .seconds(30))
                        try await writer.finish(nil)
                    })
            }
        }
        router.get("/elsewhere.json") { [self] _, _ -> Response in
            guard case .redirect(let keys) = answer.withLock({ $0 }) else { return Response(status: .notFound) }
            return try Self.response(keys)
        }
    }

    private static func response(_ keys: [(id: String, key: P256.Signing.PrivateKey)]) throws -> Response {
        let list = keys.map { id, key in
            let point = key.publicKey.rawRepresentation
            return [
                "kty": "EC", "crv": "P-256", "kid": id, "x": base64URL(point.prefix(32)),
                "y": base64URL(point.suffix(32)),
            ]
        }
        return Response(
            status: .ok, body: .init(byteBuffer: ByteBuffer(bytes: try JSONEncoder().encode(["keys": list]))))
    }

    static func token(kid: String, key: P256.Signing.PrivateKey, now: Int64) throws -> String {
        let header = base64URL(Data(#"{"alg":"ES256","kid":"\#(kid)"}"#.utf8))
        let claims = """
            {"iss":"\(name)","aud":"\(audience)","sub":"alice","exp":\(now + 60),"allow":[{"channel":"/data/CaseChangeEvent"}]}
            """
        let signed = header + "." + base64URL(Data(claims.utf8))
        return signed + "." + base64URL(try key.signature(for: Data(signed.utf8)).rawRepresentation)
    }

    private static func base64URL(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Serves for the time of `body`, and gives it the address of the key set.
    func serving(_ body: (String) async throws -> Void) async throws {
        let door = HTTPDoor(
            configuration: .init(host: "127.0.0.1", port: 0), routes: [self], metrics: MetricsRegistry(),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "issuer") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await door.run() }
            do {
                try await body("http://\(try await door.listening.authority())/jwks.json")
            } catch {
                group.cancelAll()
                throw error
            }
            // Connections that hang are cut, not waited for.
            group.cancelAll()
            do { try await group.waitForAll() } catch is CancellationError { return }
        }
    }
}
