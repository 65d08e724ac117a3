import ChangeEvents
import Matching

@testable import SOQL

/// Conditions: one that was read prints as a text that says the same; it judges every record as the printed one does; the
/// index of conditions, which works on their normal forms, tells of every change what a plain look at each condition tells.
enum SOQLConditions {
    private static let channel = "/data/CaseChangeEvent"

    static func run(_ input: inout FuzzInput) {
        let choice = input.byte()
        let dialect = [ConditionDialect.full, .full, .changeEventFilter, .platformEventFilter][Int(choice & 3)]
        let text = input.remainingText()
        let condition: Condition
        do throws(SOQLError) {
            condition = try Condition(text, dialect: dialect)
        } catch {
            property("an error has a message", holds: !error.message.isEmpty)
            let places = max(text.count, SyntaxLimits.textCharactersMax)
            property("an error's place is in the text", holds: (1...places + 1).contains(error.position))
            return
        }
        let printed = condition.description
        // Escapes make texts longer, perhaps longer than a text may be.
        guard printed.unicodeScalars.count <= SyntaxLimits.stringCharactersMax else { return }
        let again = must("a condition that is printed can be read") { try Condition(printed) }
        property("a condition that is printed is read the same", holds: again == condition)
        property("equal conditions have one hash", holds: again.hashValue == condition.hashValue)
        property("a condition prints the same again", holds: again.description == printed)
        property("a condition that is printed has the same fields", holds: again.fields == condition.fields)
        _ = condition.unjudgeableFields(flatNames: ["Status", "BillingCity"])
        judge(condition, again)
    }

    private static func judge(_ condition: Condition, _ again: Condition) {
        let images = SampleRecords.images(for: condition)
        let header = SampleRecords.header(.update)
        for image in images {
            let source = RecordSource(header: header, id: image.id, image: image, values: [:])
            let truth = condition.evaluate(on: source)
            property("a condition that is printed judges the same", holds: again.evaluate(on: source) == truth)
            let opposite = Condition(.not(condition.expression)).evaluate(on: source)
            property("NOT turns a judgement round", holds: opposite == truth.negated)
        }
        match(condition, images)
    }

    private static func match(_ condition: Condition, _ images: [RecordImage]) {
        let field = condition.fields.min() ?? "Id"
        let conditions: [Condition?] = [
            condition, Condition(.not(condition.expression)), .and(condition, .equality(field, "x")),
            .or(.equality("Status", "New"), condition), nil,
        ]
        let index = IndexMatcher()
        var scan = ScanMatcher()
        for (number, condition) in conditions.enumerated() {
            let slot = SubscriptionSlot(rawValue: UInt32(number))
            let frameClass = FrameClass(rawValue: UInt32(number & 1))
            index.insert(slot, channel: channel, frameClass: frameClass, condition: condition)
            scan.insert(slot, channel: channel, frameClass: frameClass, condition: condition)
        }
        for (before, after) in zip(images, images.dropFirst()) {
            for type in [ChangeType.update, .create, .delete] {
                let change = MatchInput(
                    channel: channel, header: SampleRecords.header(type),
                    transition: RecordTransition(
                        id: before.id, before: type == .create ? nil : before, after: type == .delete ? nil : after),
                    values: after.fields.dictionary)
                property(
                    "the index tells what a look at each condition tells",
                    holds: told(index, change) == told(scan, change))
            }
        }
        for number in conditions.indices { index.remove(SubscriptionSlot(rawValue: UInt32(number))) }
        property(
            "nothing stays in the index",
            holds: index.distinctConditions(channel: channel) == 0 && index.terms(channel: channel) == 0)
    }

    private struct Told: Hashable {
        var slot: UInt32
        var frameClass: FrameClass
        var verdict: Verdict
    }

    private static func told(_ matcher: some Matcher, _ change: MatchInput) -> Set<Told> {
        var told: Set<Told> = []
        matcher.match(change) { frameClass, verdict, slots in
            for slot in slots {
                let news = Told(slot: slot.rawValue, frameClass: frameClass, verdict: verdict)
                property("a subscription is told once", holds: told.insert(news).inserted)
            }
        }
        // Not while it matches: the index is not to be asked then.
        for news in told {
            let verdict = matcher.verdict(of: SubscriptionSlot(rawValue: news.slot), on: change)
            property("one subscription is judged as all are", holds: verdict == news.verdict)
        }
        return told
    }
}

/// Records at the borders of a condition: its own literals, what lies beside them, null and nothing.
enum SampleRecords {
    private static let count = 6

    static func images(for condition: Condition) -> [RecordImage] {
        let literals = literals(of: condition.expression)
        let fields = condition.fields.sorted()
        return (0..<count).map { number in
            var values: [String: FieldValue] = [:]
            for (place, field) in fields.enumerated() {
                // A literal of the field itself, so that claims come true, and now and then one of another field.
                let own = literals.filter { $0.field == FieldName(field) }
                let choices = number == 5 || own.isEmpty ? literals : own
                guard !choices.isEmpty else { continue }
                values[field] = value(choices[(number / 2 + place) % choices.count].value, variant: number + place)
            }
            return RecordImage(entity: "Case", id: id, fields: values, isComplete: number & 1 == 0)
        }
    }

    static func header(_ type: ChangeType) -> ChangeEventHeader {
        ChangeEventHeader(
            entityName: "Case", recordIDs: [id.string], changeType: type,
            changeOrigin: "com/salesforce/api/rest/67.0;client=x",
            transactionKey: "0002343d-9d90-e395-ed20-cf416ba652ad", sequenceNumber: 1,
            commitTimestamp: 1_783_593_000_000, commitNumber: 10_585_193_272_713, commitUser: "005xx000001X83aAAC")
    }

    private static let id: RecordID = {
        guard let id = RecordID("500xx0000000001") else { fatalError("this is an id") }
        return id
    }()

    private static func literals(of expression: Expression) -> [(field: FieldName, value: Value)] {
        switch expression {
        case .and(let operands), .or(let operands): return operands.flatMap { literals(of: $0) }
        case .not(let operand): return literals(of: operand)
        case .comparison(let comparison):
            let values: [Value] =
                switch comparison.test {
                case .compare(_, let value): [value]
                case .among(let values, _): values
                case .like(let pattern):
                    [
                        .string(
                            pattern.elements.map { element in
                                switch element {
                                case .text(let text): text.string
                                case .anyCharacter: "é"
                                case .anyText: "any"
                                }
                            }.joined())
                    ]
                case .includes(let groups, _): groups.map { .string($0.map(\.string).joined(separator: ";")) }
                }
            return values.map { (comparison.field, $0) }
        }
    }

    /// Nil: the field is not there.
    private static func value(_ literal: Value, variant: Int) -> FieldValue? {
        switch variant % 6 {
        case 0, 1: return FieldValue(literal)
        case 2: return beside(literal)
        case 3: return otherForm(literal)
        case 4: return .null
        default: return nil
        }
    }

    private static func beside(_ literal: Value) -> FieldValue {
        switch literal {
        case .null: .string("x")
        case .boolean(let flag): .boolean(!flag)
        case .integer(let number): .integer(number &+ 1)
        case .double(let number): .double(number.nextUp)
        case .string(let text): .string(text + "x")
        case .date(let milliseconds): .date(milliseconds: milliseconds + 86_400_000)
        case .dateTime(let milliseconds): .dateTime(milliseconds: milliseconds + 1)
        case .time(let milliseconds): .time(milliseconds: milliseconds + 1)
        }
    }

    private static func otherForm(_ literal: Value) -> FieldValue {
        switch literal {
        case .null: .string("")
        case .boolean(let flag): .string(flag ? "true" : "false")
        case .integer(let number): .double(Double(number))
        case .double(let number): .string("\(number)")
        case .string(let text): .string(text.uppercased())
        case .date(let milliseconds): .dateTime(milliseconds: milliseconds + 3_600_000)
        case .dateTime(let milliseconds): .date(milliseconds: milliseconds - milliseconds % 86_400_000)
        case .time(let milliseconds): .integer(milliseconds)
        }
    }
}

extension FieldValue {
    fileprivate init(_ value: Value) {
        switch value {
        case .null: self = .null
        case .boolean(let flag): self = .boolean(flag)
        case .integer(let number): self = .integer(number)
        case .double(let number): self = .double(number)
        case .string(let text): self = .string(text)
        case .date(let milliseconds): self = .date(milliseconds: milliseconds)
        case .dateTime(let milliseconds): self = .dateTime(milliseconds: milliseconds)
        case .time(let milliseconds): self = .time(milliseconds: milliseconds)
        }
    }
}
