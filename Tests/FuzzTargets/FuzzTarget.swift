/// Something of ours that reads bytes from strangers, and what must hold whatever the bytes are.
///
/// `run` feeds it one input. It returns when every property of the target holds, and traps with the name of the first that
/// does not; a trap of the code itself is a finding as well. Targets keep nothing between inputs, so that an input alone
/// repeats its finding. `docs/fuzzing.md` lists the properties.
///
/// Run by libFuzzer (`scripts/fuzz`), and by `FuzzTests` on the corpora and on mutations of them.
public enum FuzzTarget: String, CaseIterable, Sendable {
    // The parsers of the push hub and of the doors that stand open to the most people.
    case webSocketFrames = "websocket-frames"
    case httpUpgrade = "http-upgrade"
    case bayeuxMessages = "bayeux-messages"
    case soqlConditions = "soql-conditions"
    case cursors
    case pushTokens = "push-tokens"
    case avro

    case avroSchemas = "avro-schemas"
    case changeEvents = "change-events"
    case textDiffs = "text-diffs"
    case soqlQueries = "soql-queries"
    case searches
    case odataFilters = "odata-filters"
    case odataRequests = "odata-requests"
    case csv
    case json
    case xml
    case clientMessages = "client-messages"
    case keySets = "key-sets"
    case inflate
    case forms
    case headers
    case multipart
    case bulkBatches = "bulk-batches"
    case compositeReferences = "composite-references"
    case formulas
    case times

    /// One input through the target's code. Returns, or traps: both whatever the bytes are.
    public func run(_ bytes: [UInt8]) {
        var input = FuzzInput(bytes)
        switch self {
        case .webSocketFrames: WebSocketFrames.run(&input)
        case .httpUpgrade: HTTPUpgrade.run(&input)
        case .bayeuxMessages: BayeuxMessages.run(&input)
        case .soqlConditions: SOQLConditions.run(&input)
        case .cursors: Cursors.run(&input)
        case .pushTokens: PushTokens.run(&input)
        case .avro: AvroPayloads.run(&input)
        case .avroSchemas: AvroSchemas.run(&input)
        case .changeEvents: ChangeEventPayloads.run(&input)
        case .textDiffs: TextDiffs.run(&input)
        case .soqlQueries: SOQLQueries.run(&input)
        case .searches: Searches.run(&input)
        case .odataFilters: ODataFilters.run(&input)
        case .odataRequests: ODataRequests.run(&input)
        case .csv: CSVTexts.run(&input)
        case .json: JSONDocuments.run(&input)
        case .xml: XMLDocuments.run(&input)
        case .clientMessages: ClientMessages.run(&input)
        case .keySets: KeySets.run(&input)
        case .inflate: Inflation.run(&input)
        case .forms: Forms.run(&input)
        case .headers: Headers.run(&input)
        case .multipart: MultipartBodies.run(&input)
        case .bulkBatches: BulkBatches.run(&input)
        case .compositeReferences: CompositeTexts.run(&input)
        case .formulas: Formulas.run(&input)
        case .times: Times.run(&input)
        }
    }
}
