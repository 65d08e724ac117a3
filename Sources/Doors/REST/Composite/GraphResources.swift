/// `/composite/graph`: several composite requests in one call. Each graph is a transaction of its own, all or nothing.
///
/// A part may refer to one that stands behind it: the parts run in the order of their references.
struct GraphResources: RESTFamily {
    static let graphsMax = 75
    /// Parts of all graphs together.
    static let nodesMax = 500

    private struct Graph: Sendable {
        var id: String
        var request: [JSONValue]
    }

    func add(to routes: inout RESTRoutes) {
        routes.service("POST", "composite/graph") { call in
            let graphs = try Self.graphs(try await call.readDocument())
            var responses: [JSONValue] = []
            for graph in graphs { responses.append(try await Self.run(graph, call)) }
            return RESTAnswer(.members(("graphs", .array(responses))))
        }
    }

    private static func graphs(_ document: JSONValue) throws(OrgError) -> [Graph] {
        guard let values = JSONObject(document)?.array("graphs"), !values.isEmpty else {
            throw .badInput("graphs must be an array of graphs")
        }
        guard values.count <= graphsMax else {
            throw .badRequest("LIMIT_EXCEEDED", "A request may have \(graphsMax) graphs, not \(values.count).")
        }
        var ids: Set<String> = []
        var nodes = 0
        let graphs = try values.map { value throws(OrgError) -> Graph in
            guard let object = JSONObject(value), let id = object.text("graphId"), !id.isEmpty else {
                throw .badInput("a graph needs a graphId")
            }
            guard ids.insert(id).inserted else { throw .badInput("The graphId \(id) is used more than once.") }
            guard let request = object.array("compositeRequest") else {
                throw .badInput("the graph \(id) needs a compositeRequest")
            }
            nodes += request.count
            return Graph(id: id, request: request)
        }
        guard nodes <= nodesMax else {
            throw .badRequest("LIMIT_EXCEEDED", "A request may have \(nodesMax) nodes in all its graphs, not \(nodes).")
        }
        return graphs
    }

    private struct Failed: Error {
        var answers: [JSONValue]
    }

    private static func run(_ graph: Graph, _ call: RESTCall) async throws -> JSONValue {
        var call = call
        call.request = nil
        let sub = call
        var isSuccessful = true
        var answers: [JSONValue]
        do {
            let parts = try CompositeParts(graph.request)
            let order = try Self.order(parts.parts)
            answers = try await call.dispatcher.records.writing(call.context) { work in
                let ordered = CompositeParts(ordered: order.map { parts.parts[$0] })
                let (answers, isSuccessful) = try ordered.run(sub, work, allOrNone: true)
                guard isSuccessful else { throw Failed(answers: answers) }
                return answers
            }
            answers = Self.inRequestOrder(answers, order)
        } catch let failed as Failed {
            isSuccessful = false
            let order = try Self.order(try CompositeParts(graph.request).parts)
            answers = Self.inRequestOrder(failed.answers, order)
        } catch let error as OrgError {
            // The graph itself is not as it must be: there are no parts to answer one by one.
            isSuccessful = false
            answers = [
                .members(
                    ("body", RESTAnswer(error).document), ("httpHeaders", .object([])),
                    ("httpStatusCode", .number(String(error.status))), ("referenceId", .null))
            ]
        }
        return .members(
            ("graphId", .string(graph.id)),
            ("graphResponse", .members(("compositeResponse", .array(answers)))),
            ("isSuccessful", .boolean(isSuccessful)))
    }

    /// The places of the parts, those that others refer to first; otherwise as they stand.
    private static func order(_ parts: [CompositeParts.Part]) throws(OrgError) -> [Int] {
        let known = Set(parts.map(\.reference))
        let needed = parts.map { CompositeReferences.names(in: $0.body, url: $0.url).intersection(known) }
        var done: Set<String> = []
        var waiting = Array(parts.indices)
        var order: [Int] = []
        while !waiting.isEmpty {
            guard let ready = waiting.first(where: { needed[$0].isSubset(of: done) }) else {
                throw .badInput("The parts of the graph refer to each other in a ring.")
            }
            order.append(ready)
            done.insert(parts[ready].reference)
            waiting.removeAll { $0 == ready }
        }
        return order
    }

    private static func inRequestOrder(_ answers: [JSONValue], _ order: [Int]) -> [JSONValue] {
        var placed = [JSONValue](repeating: .null, count: answers.count)
        for (index, answer) in zip(order, answers) { placed[index] = answer }
        return placed
    }
}
