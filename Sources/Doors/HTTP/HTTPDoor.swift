public import Hummingbird

/// Something that adds routes to an HTTP door: the REST door, the OAuth door, operations, the demo's page.
public protocol HTTPRoutes: Sendable {
    func add(to router: Router<BasicRequestContext>)
}
