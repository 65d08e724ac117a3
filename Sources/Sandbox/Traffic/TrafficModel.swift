import ChangeEvents

/// What happens next in a service organisation: cases are opened, worked, escalated, handed on and closed; people and firms change
/// their particulars. Pure: the same seed and the same start give the same life.
struct TrafficModel: Sendable {
    /// A change that is to be made.
    struct Step: Sendable, Hashable {
        /// `Case`
        var object: String
        /// Nil: a new record.
        var id: RecordID?
        var values: [String: FieldValue]
        /// Who does it; nil: the integration user.
        var userID: String?
    }

    private struct OpenCase {
        var id: RecordID
        var owner: String
        var isEscalated: Bool
        var touches = 0
    }

    /// Open cases are kept near this number: more are closed when there are more, more are opened when there are fewer.
    static let openCasesTarget = 200

    private var random: SeededGenerator
    private let agents: [String]
    private let accounts: [RecordID]
    private var contacts: [RecordID]
    private var openCases: [OpenCase] = []
    /// What the step that is being made means for the model.
    private var pending: Pending = .nothing

    private enum Pending { case nothing, openedCase(owner: String), newContact, closed(Int) }

    init(seed: UInt64, agents: [String], accounts: [RecordID], contacts: [RecordID]) {
        random = SeededGenerator(seed: seed)
        self.agents = agents
        self.accounts = accounts
        self.contacts = contacts
    }

    var openCaseCount: Int { openCases.count }

    /// A case that was open before the traffic began.
    mutating func knows(openCase id: RecordID, owner: String, isEscalated: Bool) {
        openCases.append(OpenCase(id: id, owner: owner, isEscalated: isEscalated))
    }

    /// The next change. Then say `done` or `failed`.
    mutating func next() -> Step {
        pending = .nothing
        if openCases.isEmpty { return openCase() }
        // Opening and closing keep each other in balance around the target.
        let load = Double(openCases.count) / Double(Self.openCasesTarget)
        let opening = max(0.05, 0.25 - 0.12 * (load - 1))
        let closing = min(0.35, max(0.02, 0.15 * load))
        let draw = Double.random(in: 0..<1, using: &random)
        switch draw {
        case ..<opening: return openCase()
        case ..<(opening + closing): return closeCase()
        default: break
        }
        switch Int.random(in: 0..<100, using: &random) {
        case ..<55: return workOnCase()
        case ..<67: return escalateCase()
        case ..<82: return reassignCase()
        case ..<92: return touchContact()
        case ..<96: return newContact()
        default: return touchAccount()
        }
    }

    /// The change was made; `id` of a new record.
    mutating func done(created id: RecordID?) {
        switch pending {
        case .openedCase(let owner):
            if let id { openCases.append(OpenCase(id: id, owner: owner, isEscalated: false)) }
        case .newContact: if let id { contacts.append(id) }
        case .closed(let index): openCases.swapAt(index, openCases.count - 1); openCases.removeLast()
        case .nothing: break
        }
        pending = .nothing
    }

    /// The org refused it: somebody has deleted the record meanwhile, most likely. It is not tried again.
    mutating func failed(_ step: Step) {
        pending = .nothing
        guard let id = step.id else { return }
        openCases.removeAll { $0.id == id }
        contacts.removeAll { $0 == id }
    }

    // Changes

    private mutating func openCase() -> Step {
        let subject = pick(TrafficWords.subjects)
        let owner = agents.isEmpty ? "" : pick(agents)
        var values: [String: FieldValue] = [
            "Subject": .string(subject.subject), "Reason": .string(subject.reason), "Type": .string("Problem"),
            "Description": .string(pick(TrafficWords.descriptions)), "Status": .string("New"),
            "Origin": .string(pick(["Web", "Web", "Email", "Phone"])),
            "Priority": .string(pick(["Low", "Medium", "Medium", "Medium", "High"])),
            "Vehicle_Model__c": .string(pick(TrafficWords.models)),
        ]
        if !contacts.isEmpty { values["ContactId"] = .string(pick(contacts).string) }
        if !owner.isEmpty { values["OwnerId"] = .string(owner) }
        pending = .openedCase(owner: owner)
        return Step(object: "Case", values: values)
    }

    private mutating func workOnCase() -> Step {
        let index = anyCase()
        openCases[index].touches += 1
        var values: [String: FieldValue] = ["Status": .string(pick(["Working", "Working", "On Hold"]))]
        if chance(0.3) { values["Priority"] = .string(pick(["Low", "Medium", "High"])) }
        if chance(0.2) { values["Mileage__c"] = .double(Double(Int.random(in: 500...180_000, using: &random))) }
        if chance(0.3) { values["Description"] = .string(pick(TrafficWords.comments)) }
        return change(index, values)
    }

    private mutating func escalateCase() -> Step {
        let index = anyCase()
        openCases[index].isEscalated = true
        return change(
            index, ["Status": .string("Escalated"), "IsEscalated": .boolean(true), "Priority": .string("High")])
    }

    private mutating func reassignCase() -> Step {
        let index = anyCase()
        let others = agents.filter { $0 != openCases[index].owner }
        guard !others.isEmpty else { return workOnCase() }
        let owner = pick(others)
        let step = change(index, ["OwnerId": .string(owner)])
        openCases[index].owner = owner
        return step
    }

    private mutating func closeCase() -> Step {
        let index = anyCase()
        pending = .closed(index)
        return change(index, ["Status": .string("Closed")])
    }

    private mutating func touchContact() -> Step {
        guard !contacts.isEmpty else { return workOnCase() }
        let digits = Int.random(in: 1_000...9_999, using: &random)
        let values: [String: FieldValue] =
            chance(0.5)
            ? ["MobilePhone": .string("+49 170 555 \(digits)")]
            : ["Title": .string(pick(TrafficWords.titles)), "Department": .string(pick(TrafficWords.departments))]
        return Step(object: "Contact", id: pick(contacts), values: values, userID: agents.isEmpty ? nil : pick(agents))
    }

    private mutating func newContact() -> Step {
        guard !accounts.isEmpty else { return touchContact() }
        pending = .newContact
        let (first, last) = (pick(TrafficWords.firstNames), pick(TrafficWords.lastNames))
        let number = Int.random(in: 1...99_999, using: &random)
        return Step(
            object: "Contact",
            values: [
                "AccountId": .string(pick(accounts).string), "FirstName": .string(first), "LastName": .string(last),
                "Email": .string("\(first.lowercased()).\(last.lowercased()).\(number)@customer.example"),
            ])
    }

    private mutating func touchAccount() -> Step {
        guard !accounts.isEmpty else { return workOnCase() }
        let values: [String: FieldValue] =
            chance(0.5)
            ? ["NumberOfEmployees": .integer(Int64.random(in: 5...5_000, using: &random))]
            : ["Rating": .string(pick(["Hot", "Warm", "Cold"]))]
        return Step(object: "Account", id: pick(accounts), values: values, userID: agents.isEmpty ? nil : pick(agents))
    }

    private func change(_ index: Int, _ values: [String: FieldValue]) -> Step {
        let owner = openCases[index].owner
        return Step(
            object: "Case", id: openCases[index].id, values: values, userID: agents.contains(owner) ? owner : nil)
    }

    private mutating func anyCase() -> Int { Int.random(in: 0..<openCases.count, using: &random) }
    private mutating func chance(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &random) < probability
    }
    private mutating func pick<T>(_ choices: [T]) -> T { choices[Int.random(in: 0..<choices.count, using: &random)] }
}
