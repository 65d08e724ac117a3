import ChangeEvents

/// What follows from an opportunity's stage. Pure.
enum OpportunityRules {
    struct Stage: Sendable {
        let name: String
        let probability: Double
        let category: String
        let categoryName: String
        var isClosed = false
        var isWon = false
    }

    static let stages: [Stage] = [
        Stage(name: "Prospecting", probability: 10, category: "Pipeline", categoryName: "Pipeline"),
        Stage(name: "Qualification", probability: 10, category: "Pipeline", categoryName: "Pipeline"),
        Stage(name: "Needs Analysis", probability: 20, category: "Pipeline", categoryName: "Pipeline"),
        Stage(name: "Value Proposition", probability: 50, category: "Pipeline", categoryName: "Pipeline"),
        Stage(name: "Proposal/Price Quote", probability: 75, category: "Pipeline", categoryName: "Pipeline"),
        Stage(name: "Negotiation/Review", probability: 90, category: "Forecast", categoryName: "Commit"),
        Stage(
            name: "Closed Won", probability: 100, category: "Closed", categoryName: "Closed", isClosed: true,
            isWon: true),
        Stage(name: "Closed Lost", probability: 0, category: "Omitted", categoryName: "Omitted", isClosed: true),
    ]

    /// A stage that is none of the org's own is an open one of the pipeline.
    static func apply(
        to fields: inout RecordFields, before: RecordFields?, given: RecordFields, now: Int64
    ) {
        if fields["StageName"] != before?["StageName"] {
            let stage = stages.first { .string($0.name) == fields["StageName"] ?? .null }
            fields["IsClosed"] = .boolean(stage?.isClosed ?? false)
            fields["IsWon"] = .boolean(stage?.isWon ?? false)
            if given["Probability"] == nil { fields["Probability"] = .double(stage?.probability ?? 0) }
            fields["ForecastCategory"] = .string(stage?.category ?? "Pipeline")
            if given["ForecastCategoryName"] == nil {
                fields["ForecastCategoryName"] = .string(stage?.categoryName ?? "Pipeline")
            }
            if before != nil { fields["LastStageChangeDate"] = .dateTime(milliseconds: now) }
        }
        if case .double(let amount) = fields["Amount"] ?? .null,
            case .double(let probability) = fields["Probability"] ?? .null
        {
            fields["ExpectedRevenue"] = .double(
                FormulaNumber.rounded(amount * probability / 100, scale: 2))
        } else {
            fields["ExpectedRevenue"] = .null
        }
    }
}
