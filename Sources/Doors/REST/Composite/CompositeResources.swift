/// `/composite`: up to 25 calls in one, each with its own answer, in one transaction of the org.
///
/// Without `allOrNone` a part that fails leaves nothing behind and the others go on, except those that refer to it.
/// `collateSubrequests` lets an org order unrelated parts as it likes; here they keep their order.
struct CompositeResources: RESTFamily {
    static let partsMax = 25
    /// Parts that are queries or collections.
    static let largePartsMax = 5

    func add(to routes: inout RESTRoutes) {
        routes.records("POST", "composite", .asTheParts, isComposable: false, run)
        routes.records("GET", "composite", .reading, isComposable: false) { call, _ in
            RESTAnswer(
                .object(
                    ["tree", "batch", "sobjects", "graph"].map {
                        .init(name: $0, value: .string("\(call.root)/composite/\($0)"))
                    }))
        }
    }

    private func run(_ call: RESTCall, _ work: any OrgWork) throws -> RESTAnswer {
        let body = try call.body()
        let allOrNone = try CollectionResources.flag(body["allOrNone"], "allOrNone")
        _ = try CollectionResources.flag(body["collateSubrequests"], "collateSubrequests")
        let parts = try CompositeParts(body.array("compositeRequest"))
        guard parts.parts.count <= Self.partsMax else {
            throw OrgError.badRequest(
                "LIMIT_EXCEEDED",
                "\(parts.parts.count) subrequests are more than the \(Self.partsMax) that a composite request may have."
            )
        }
        guard parts.parts.count(where: Self.isLarge) <= Self.largePartsMax else {
            throw OrgError.badRequest(
                "LIMIT_EXCEEDED",
                "More than \(Self.largePartsMax) subrequests are queries or sObject collections.")
        }
        let (answers, isSuccessful) = try parts.run(call, work, allOrNone: allOrNone)
        var answer = RESTAnswer(.members(("compositeResponse", .array(answers))))
        answer.undoesTransaction = allOrNone && !isSuccessful
        return answer
    }

    private static func isLarge(_ part: CompositeParts.Part) -> Bool {
        guard let target = RESTTarget(part: part.url, allowsShort: false), target.elements.count > 1 else {
            return false
        }
        let resource = target.elements.dropFirst()
        return resource.first == "query" || resource.first == "queryAll" || resource.first == "composite"
    }
}
