internal import Hummingbird
internal import Synchronization

/// Which methods a path answers to. Hummingbird's router answers 404 to a known path with another method; HTTP wants 405 with
/// the list of allowed ones, and this is where it comes from.
///
/// Filled once from the router when all routes are added, read by every request afterwards.
final class RouteTable: Sendable {
    private struct Entry: Sendable {
        /// Path elements; nil matches any one element.
        let elements: [String?]
        /// Matches everything below `elements` as well.
        let isRecursive: Bool
        let method: String
    }

    private let entries = Mutex<[Entry]>([])

    func fill(from routes: [Router<BasicRequestContext>.RouteDescription]) {
        let filled = routes.map { route in
            var elements: [String?] = []
            var isRecursive = false
            for element in route.path.description.split(separator: "/") {
                if element == "**" {
                    isRecursive = true
                } else {
                    let isLiteral = !element.contains(where: { "{}:*".contains($0) })
                    elements.append(isLiteral ? String(element) : nil)
                }
            }
            return Entry(elements: elements, isRecursive: isRecursive, method: route.method.rawValue)
        }
        entries.withLock { $0 = filled }
    }

    /// The methods of a path, sorted; empty when nothing answers there.
    func methods(of path: String) -> [String] {
        let elements = path.split(separator: "/")
        let entries = self.entries.withLock { $0 }
        var methods: Set<String> = []
        for entry in entries
        where entry.elements.count == elements.count || (entry.isRecursive && entry.elements.count < elements.count) {
            let matches = zip(entry.elements, elements).allSatisfy { expected, given in
                expected.map { $0 == given } ?? true
            }
            if matches { methods.insert(entry.method) }
        }
        // The router answers HEAD wherever it answers GET.
        if methods.contains("GET") { methods.insert("HEAD") }
        return methods.sorted()
    }
}
