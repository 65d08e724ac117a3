public import Hummingbird

/// Something that adds routes to an HTTP door: the REST door, the OAuth door, operations, the demo's page.
///
/// A route's errors may be thrown: an `HTTPError` keeps its status, anything else becomes 500; both are answered in the
/// door's own form, a JSON array with `message` and `errorCode`.
public protocol HTTPRoutes: Sendable {
    func add(to router: Router<BasicRequestContext>)
}
