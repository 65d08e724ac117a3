internal import HTTPTypes

/// `/sobjects`, `/sobjects/X` and `/sobjects/X/describe`: what objects there are and what they hold.
struct DescribeResources: RESTFamily {
    /// Recent records of an object.
    private static let recentMax = 5

    func add(to routes: inout RESTRoutes) {
        routes.records("GET", "sobjects", .reading) { call, work in
            try Self.answer(try work.describeGlobal(), to: call) { $0 }
        }
        routes.records("GET", "sobjects/{object}", .reading) { call, work in
            let recent = try work.recent(of: call["object"], limit: Self.recentMax)
            return try Self.answer(try work.describe(call["object"]), to: call) {
                Self.basicInformation(of: $0, recent: recent)
            }
        }
        routes.records("GET", "sobjects/{object}/describe", .reading) { call, work in
            try Self.answer(try work.describe(call["object"]), to: call) { $0 }
        }
    }

    /// The description, or 304 where nothing has changed since the caller looked.
    private static func answer(
        _ description: Description, to call: RESTCall, _ form: (JSONValue) -> JSONValue
    ) throws(OrgError) -> RESTAnswer {
        let headers: HTTPFields = [.lastModified: HTTPDate.text(description.lastModified)]
        let found = FoundRecord(document: .null, lastModified: description.lastModified, entityTag: nil)
        if let answer = try RowConditions(call).answerInstead(of: found, headers) { return answer }
        return RESTAnswer(form(description.document), headers: headers)
    }

    /// A description without what only the full one holds.
    private static func basicInformation(of description: JSONValue, recent: [JSONValue]) -> JSONValue {
        var summary = description
        if case .object(let members) = description {
            summary = .object(members.filter { !onlyInFullDescription.contains($0.name) })
        }
        return .members(("objectDescribe", summary), ("recentItems", .array(recent)))
    }

    private static let onlyInFullDescription: Set<String> = [
        "fields", "childRelationships", "recordTypeInfos", "actionOverrides", "namedLayoutInfos", "supportedScopes",
        "listviewable", "lookupLayoutable", "networkScopeFieldName", "searchLayoutable", "compactLayoutable",
        "defaultImplementation", "extendedBy", "extendsInterfaces", "implementedBy", "implementsInterfaces",
        "sobjectDescribeOption",
    ]
}
