import ChangeEvents

/// All objects and platform events of the org at one moment. A value: a schema change makes a new one (see
/// `OrgSchema`).
struct Catalogue: Sendable {
    let objects: [ObjectDefinition]
    /// Platform events: published, never stored, and so not among the objects.
    let events: [ObjectDefinition]
    /// What is marked as hidden in the objects.
    let hidden: HiddenFields
    let index: ObjectIndex
    let formulas: FormulaBook
    private let indexByPrefix: [String: Int]
    /// What the planner of queries sees; shared by all copies of this catalogue.
    let querySchema: CatalogueSchema
    private let referrers: [String: [Referrer]]
    private let summaries: [String: [Summary]]

    /// A reference field that points at an object, with the object that holds it.
    typealias Referrer = (object: ObjectDefinition, field: FieldDefinition)
    /// A roll-up field of a master that sums up an object.
    typealias Summary = (master: ObjectDefinition, field: FieldDefinition, rollUp: RollUp)

    init(_ objects: [ObjectDefinition], events: [ObjectDefinition] = [], hidden: HiddenFields = .nothing) {
        let objects = objects.map(hidden.marked)
        self.objects = objects
        self.hidden = hidden
        querySchema = CatalogueSchema(objects)
        self.events = events
        index = ObjectIndex(objects)
        formulas = FormulaBook(index)
        indexByPrefix = Dictionary(
            objects.enumerated().map { ($0.element.keyPrefix, $0.offset) }, uniquingKeysWith: { first, _ in first })
        var referrers: [String: [Referrer]] = [:]
        var summaries: [String: [Summary]] = [:]
        for object in objects {
            for field in object.fields {
                for target in field.reference?.objects ?? [] { referrers[target, default: []].append((object, field)) }
                if let rollUp = field.rollUp { summaries[rollUp.child, default: []].append((object, field, rollUp)) }
            }
        }
        self.referrers = referrers
        self.summaries = summaries
    }

    /// What every org has. Sales, service and what they need of products.
    static let standard = Catalogue([
        .account, .campaign, .case, .contact, .lead, .opportunity, .order, .orderItem, .pricebook, .pricebookEntry,
        .product,
        .task, .user, .profile, .streamingChannel, .pushTopic,
    ])

    static func standard(
        personAccounts: Bool, events: [ObjectDefinition] = [], hidden: HiddenFields = .nothing
    ) -> Catalogue {
        guard personAccounts || !events.isEmpty || hidden != .nothing else { return standard }
        return Catalogue(
            standard.objects.map { object in
                guard personAccounts else { return object }
                return
                    switch object.name
                {
                case "Account": PersonAccounts.account(object)
                case "Contact": PersonAccounts.contact(object)
                default: object
                }
            }, events: events, hidden: hidden)
    }

    func object(_ name: String) -> ObjectDefinition? { index.object(name) }

    func object(ofRecord id: RecordID) -> ObjectDefinition? { indexByPrefix[String(id.keyPrefix)].map { objects[$0] } }

    /// A platform event.
    func event(_ name: String) -> ObjectDefinition? {
        let name = name.lowercased()
        return events.first { $0.name.lowercased() == name }
    }

    /// Reference fields that point at an object, with the object that holds them.
    func references(to target: String) -> [Referrer] { referrers[target] ?? [] }

    /// Roll-up fields that sum up an object's records.
    func summaries(of child: String) -> [Summary] { summaries[child] ?? [] }
}
