import ChangeEvents

/// Conditions and records of a small world, in which everything meets everything often.
extension Randomness {
    static let fieldNames = [
        "OwnerId", "ContactId", "Ref__c", "Status", "Subject", "BillingCity", "Amount", "CloseDate", "Due__c", "At__c",
        "IsClosed", "Colours__c",
    ]

    mutating func wish(depth: Int = 3) -> Wish {
        switch depth == 0 ? 0 : below(8) {
        case 3, 4, 5: .all((0..<2 + below(3)).map { _ in wish(depth: depth - 1) })
        case 6: .any((0..<2 + below(3)).map { _ in wish(depth: depth - 1) })
        case 7: .not(wish(depth: depth - 1))
        default: claim()
        }
    }

    mutating func value(of field: String) -> FieldValue {
        if oneIn(7) { return .null }
        switch field {
        case "OwnerId", "ContactId": return .string(oneIn(4) ? shortID() : id())
        case "Ref__c": return .string(pick([id(), shortID(), shortID().lowercased(), "a word", ""]))
        case "Status": return .string(pick(["New", "WORKING", "closed", "Escalated"]))
        case "Subject": return .string(word())
        case "BillingCity": return .string(pick(["Zürich", "ZÜRICH", "Berlin", "Bern"]))
        case "Amount":
            // A field's type may change under a subscription.
            if oneIn(12) { return .string("5") }
            return oneIn(2) ? .integer(Int64(below(12))) : .double(Double(below(24)) / 2)
        case "CloseDate": return oneIn(5) ? .dateTime(milliseconds: instant().0) : .date(milliseconds: day().0)
        case "Due__c": return oneIn(5) ? .date(milliseconds: day().0) : .dateTime(milliseconds: instant().0)
        case "At__c": return .time(milliseconds: clock().0)
        case "IsClosed": return .boolean(oneIn(2))
        default:
            let colours = ["Red", "green", "Blue"].filter { _ in oneIn(2) }
            return oneIn(2) ? .list(colours) : .string(colours.joined(separator: ";"))
        }
    }

    private mutating func claim() -> Wish {
        var field = pick(Self.fieldNames)
        if oneIn(30) {
            return .claim(field: "ChangeEventHeader.changeType", .compare(pick(["=", "!="]), .text("update")))
        }
        let claim: Wish.Claim
        switch below(10) {
        case 0: claim = .compare(pick(["=", "!="]), .null)
        case 1, 2:
            var literals = (0..<1 + below(3)).map { _ in literal(of: field) }
            if oneIn(4) { literals.append(.null) }
            claim = .among(literals, isNegated: oneIn(3))
        case 3 where !["Amount", "CloseDate", "Due__c", "At__c", "IsClosed"].contains(field): claim = like()
        case 4 where field == "Colours__c", 5 where field == "Colours__c", 6 where field == "Colours__c":
            let groups = (0..<1 + below(2)).map { _ in (0..<1 + below(2)).map { _ in pick(["red", "Green", "blue"]) } }
            claim = .includes(groups, isNegated: oneIn(3))
        case 4 where field != "IsClosed", 5 where field != "IsClosed":
            claim = .compare(pick(["<", "<=", ">", ">="]), literal(of: field))
        case 6: claim = .compare("!=", literal(of: field))
        default: claim = .compare("=", literal(of: field))
        }
        if field == "BillingCity", oneIn(2) { field = "BillingAddress.City" }
        if oneIn(6) { field = field.lowercased() }
        return .claim(field: field, claim)
    }

    private mutating func literal(of field: String) -> Wish.Literal {
        switch field {
        case "Amount":
            let number = below(24)
            return .number(oneIn(2) ? "\(number / 2)" : "\(number / 2).\(number % 2 == 0 ? 0 : 5)")
        case "CloseDate", "Due__c":
            // All of a list are of one kind: which, the field says most of the time.
            let (milliseconds, text) = field == "CloseDate" ? day() : instant()
            return field == "CloseDate" ? .date(milliseconds, text) : .dateTime(milliseconds, text)
        case "At__c":
            let (milliseconds, text) = clock()
            return .time(milliseconds, text)
        case "IsClosed": return .boolean(oneIn(2))
        case "OwnerId", "ContactId": return .text(oneIn(2) ? id() : shortID())
        case "Ref__c": return .text(pick([id(), shortID(), shortID().lowercased(), "A Word", "000000000000000zzz"]))
        case "Status": return .text(pick(["new", "Working", "CLOSED", "escalated", "other"]))
        case "BillingCity": return .text(pick(["zürich", "Berlin", "bern", "Basel"]))
        case "Colours__c": return .text(pick(["red", "Red;Blue"]))
        default: return .text(word())
        }
    }

    private mutating func like() -> Wish.Claim {
        let start = pick(["", "", "n", "Ne", "de", "Deliv", "Zü", "b", "005"])
        return .like(start + pick(["%", "%", "_%", "%e%", "", "___"]) + pick(["", "", "w", "ing"]), isNegated: false)
    }

    private mutating func id() -> String { RecordID(shortID())?.string ?? "" }
    /// Ids that differ in nothing but case are among them.
    private mutating func shortID() -> String { pick(["005xx000000000", "005XX000000000"]) + "\(below(3))" }
    private mutating func word() -> String {
        pick(["new", "News", "delivery", "Delivered late", "DELIVERY 7", "b", "Bern", "x;y"])
    }
    private mutating func day() -> (Int64, String) {
        let day = below(4)
        return (Int64(20_640 + day) * 86_400_000, "2026-07-0\(6 + day)")
    }
    private mutating func instant() -> (Int64, String) {
        let (start, text) = day()
        let hour = pick([0, 9, 23])
        return (start + Int64(hour) * 3_600_000, "\(text)T\(hour < 10 ? "0" : "")\(hour):00:00Z")
    }
    private mutating func clock() -> (Int64, String) {
        let hour = 1 + below(4)
        return (Int64(hour) * 3_600_000, "0\(hour):00:00Z")
    }
}
