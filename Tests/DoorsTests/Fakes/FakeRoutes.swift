import Hummingbird
import NIOCore
import Synchronization
import Waiting

@testable import Doors

/// Routes that behave as a test says.
final class FakeRoutes: HTTPRoutes {
    /// `GET /slow` answers when this is raised.
    let gate = Signal()
    /// Raised when `GET /slow` has been reached.
    let reached = Signal()

    func add(to router: Router<BasicRequestContext>) {
        router.get("/plain") { _, _ in "plain" }
        router.get("/slow") { [gate, reached] _, _ in
            reached.raise()
            await gate.wait()
            return "slow"
        }
        router.post("/echo") { request, _ in
            Response(status: .ok, body: .init(byteBuffer: try await request.body.collect(upTo: .max)))
        }
        router.get("/broken") { _, _ -> String in throw Broken() }
        router.get("/things/:id") { _, _ in "thing" }
        router.patch("/things/:id") { _, _ in "patched" }
    }

    struct Broken: Error {}
}
