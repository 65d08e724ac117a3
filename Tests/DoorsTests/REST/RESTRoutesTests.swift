import Testing

@testable import Doors

/// The table of routes: what a path and a method find.
struct RESTRoutesTests {
    private func table(_ routes: (String, String)...) -> RESTRoutes {
        var table = RESTRoutes()
        for (method, pattern) in routes {
            table.service(method, pattern) { _ in RESTAnswer(.string("\(method) \(pattern)")) }
        }
        return table
    }

    private func found(_ table: RESTRoutes, _ method: String, _ path: String) -> String {
        switch table.match(method, path.split(separator: "/").map(String.init)) {
        case .route(let route, let captured):
            let pattern = route.pattern.map { element in
                switch element {
                case .literal(let text): text
                case .capture(let name): "{\(name)}"
                }
            }
            return pattern.joined(separator: "/") + captured.map { " \($0.name)=\($0.value)" }.joined()
        case .otherMethods(let methods): return "405 " + methods.joined(separator: ",")
        case .nothing: return "404"
        }
    }

    @Test func wordsWinOverBraces() {
        let table = table(
            ("GET", "sobjects/{object}/{id}"), ("GET", "sobjects/{object}/describe"), ("GET", "sobjects/{object}"),
            ("PATCH", "sobjects/{object}/{id}"))
        #expect(found(table, "GET", "sobjects/Case/500") == "sobjects/{object}/{id} object=Case id=500")
        #expect(found(table, "GET", "sobjects/Case/describe") == "sobjects/{object}/describe object=Case")
        #expect(found(table, "PATCH", "sobjects/Case/500") == "sobjects/{object}/{id} object=Case id=500")
        #expect(found(table, "GET", "sobjects/Case") == "sobjects/{object} object=Case")
    }

    @Test func aKnownPathTellsItsMethods() {
        let table = table(("GET", "jobs/{id}"), ("DELETE", "jobs/{id}"), ("PUT", "jobs/{id}/batches"))
        #expect(found(table, "PATCH", "jobs/750") == "405 DELETE,GET,HEAD")
        #expect(found(table, "GET", "jobs/750/batches") == "405 PUT")
        // The words of a more exact pattern do not lend it the methods of the other.
        let exact = self.table(("GET", "sobjects/{object}/{id}"), ("POST", "sobjects/{object}/describe"))
        #expect(found(exact, "GET", "sobjects/Case/describe") == "405 POST")
    }

    @Test func everythingElseIsUnknown() {
        let table = table(("GET", "jobs/{id}"))
        for path in ["", "job", "jobs", "jobs/1/2", "Jobs/1"] { #expect(found(table, "GET", path) == "404") }
    }
}
