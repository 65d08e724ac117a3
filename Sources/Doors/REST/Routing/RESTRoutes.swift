/// A family of resources of the REST API: what adds its routes to the table.
protocol RESTFamily: Sendable {
    func add(to routes: inout RESTRoutes)
}

/// The resources below `/services/data/vXX.X/`: which path and method lead where.
///
/// Filled when the door is made, read by every request afterwards. A path finds the first route whose pattern fits, and
/// those with more literal elements come first; so `sobjects/{object}/describe` wins over `sobjects/{object}/{id}`.
struct RESTRoutes: Sendable {
    /// Synchronous: runs inside one transaction of the org.
    typealias RecordsHandler = @Sendable (RESTCall, any OrgWork) throws -> RESTAnswer
    /// Everything else: reads its body, and answers, by itself.
    typealias ServiceHandler = @Sendable (RESTCall) async throws -> RESTAnswer

    enum Access: Sendable {
        case reading
        case writing
        /// Reading where every part of the composite request in the body does.
        case asTheParts
    }

    enum Handling: Sendable {
        case records(Access, RecordsHandler)
        case service(ServiceHandler)
    }

    struct Route: Sendable {
        let method: String
        let pattern: [Element]
        let family: APICall.Family
        /// May be a part of a composite request.
        let isComposable: Bool
        let handling: Handling

        var literalCount: Int { pattern.count { !$0.isCapture } }
    }

    enum Element: Sendable, Hashable {
        case literal(String)
        case capture(String)

        var isCapture: Bool {
            if case .capture = self { return true }
            return false
        }
    }

    enum Match {
        case route(Route, captured: [(name: String, value: String)])
        /// The path is known, the method is not; sorted.
        case otherMethods([String])
        case nothing
    }

    /// By the first element of the path, in the order in which they are tried; all of them begin with a literal.
    private var byFirst: [String: [Route]] = [:]
    /// The first elements in the order of their addition: the resource map.
    private(set) var names: [String] = []

    /// A resource on the org's records. `pattern`: `sobjects/{object}/{id}`.
    mutating func records(
        _ method: String, _ pattern: String, _ access: Access, isComposable: Bool = true,
        _ handler: @escaping RecordsHandler
    ) {
        add(method, pattern, .rest, isComposable: isComposable, .records(access, handler))
    }

    /// A resource that answers by itself.
    mutating func service(
        _ method: String, _ pattern: String, family: APICall.Family = .rest, _ handler: @escaping ServiceHandler
    ) {
        add(method, pattern, family, isComposable: false, .service(handler))
    }

    private mutating func add(
        _ method: String, _ pattern: String, _ family: APICall.Family, isComposable: Bool, _ handling: Handling
    ) {
        let elements = pattern.split(separator: "/").map { element in
            element.hasPrefix("{") ? Element.capture(String(element.dropFirst().dropLast())) : .literal(String(element))
        }
        guard case .literal(let first)? = elements.first else {
            preconditionFailure("the pattern \(pattern) does not begin with a word")
        }
        if byFirst[first] == nil { names.append(first) }
        let route = Route(
            method: method, pattern: elements, family: family, isComposable: isComposable, handling: handling)
        var routes = byFirst[first] ?? []
        let place = routes.firstIndex { $0.literalCount < route.literalCount } ?? routes.endIndex
        routes.insert(route, at: place)
        byFirst[first] = routes
    }

    func match(_ method: String, _ path: [String]) -> Match {
        guard let first = path.first, let routes = byFirst[first] else { return .nothing }
        var methods: Set<String> = []
        // The pattern that fits first decides: another one with fewer literals does not lend its methods to it.
        var pattern: [Element]?
        for route in routes where route.pattern.count == path.count && (pattern == nil || pattern == route.pattern) {
            guard let captured = Self.captured(route.pattern, path) else { continue }
            if route.method == method { return .route(route, captured: captured) }
            pattern = route.pattern
            methods.insert(route.method)
        }
        if methods.isEmpty { return .nothing }
        if methods.contains("GET") { methods.insert("HEAD") }
        return .otherMethods(methods.sorted())
    }

    private static func captured(_ pattern: [Element], _ path: [String]) -> [(name: String, value: String)]? {
        var captured: [(name: String, value: String)] = []
        for (element, part) in zip(pattern, path) {
            switch element {
            case .literal(let literal): guard literal == part else { return nil }
            case .capture(let name): captured.append((name, part))
            }
        }
        return captured
    }
}
