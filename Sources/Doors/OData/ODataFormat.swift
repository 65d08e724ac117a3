/// How an answer's JSON is written: what the parameters of the accepted media type say, or those of `$format`.
struct ODataFormat: Hashable, Sendable {
    /// `odata.metadata=minimal`, which who asks for `full` gets too; false: `none`.
    var isMinimal = true
    /// `IEEE754Compatible=true`: decimals and counts are texts, for clients whose numbers are doubles and nothing else.
    var hasDecimalsAsTexts = false

    init() {}

    /// Media types with their parameters, as `Accept` lists them: the first that is JSON by its name counts.
    init(_ mediaTypes: String) {
        let types: [[String]] = mediaTypes.lowercased().split(separator: ",").map { type in
            type.split(separator: ";").map { part in part.filter { $0 != " " } }
        }
        let parameters = types.first { ["application/json", "json"].contains($0.first ?? "") }?.dropFirst() ?? []
        isMinimal = !parameters.contains("odata.metadata=none")
        hasDecimalsAsTexts = parameters.contains("ieee754compatible=true")
    }

    var mediaType: String {
        "application/json;odata.metadata=\(isMinimal ? "minimal" : "none")"
            + (hasDecimalsAsTexts ? ";IEEE754Compatible=true" : "")
    }
}
