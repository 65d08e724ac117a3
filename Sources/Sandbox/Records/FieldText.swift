import ChangeEvents

/// Reads a value from text, as a JSON string, a CSV cell or a default value gives it.
enum FieldText {
    /// Nil where the text is no value of the field's kind. Empty text is null.
    static func value(_ text: String, of field: FieldDefinition) -> FieldValue? {
        let trimmed = trimmed(text)
        if trimmed.isEmpty { return field.kind == .boolean ? nil : .null }
        switch field.kind {
        case .boolean:
            switch trimmed.lowercased() {
            case "true": return .boolean(true)
            case "false": return .boolean(false)
            default: return nil
            }
        case .integer:
            return Int32(trimmed).map { .integer(Int64($0)) }
        case .double, .currency, .percent:
            guard isDecimal(trimmed), let value = Double(trimmed), value.isFinite else { return nil }
            return .double(value)
        case .date:
            return OrgTime.date(trimmed).map { .date(milliseconds: $0) }
        case .dateTime:
            return OrgTime.dateTime(trimmed).map { .dateTime(milliseconds: $0) }
        case .time:
            return OrgTime.time(trimmed).map { .time(milliseconds: $0) }
        case .id, .text, .textArea, .longTextArea, .richText, .encryptedText, .picklist, .multiPicklist, .combobox,
            .reference, .email, .phone, .url, .autoNumber, .address, .location, .personName:
            return .string(trimmed)
        }
    }

    /// Swift reads hexadecimal and `nan` as well; an org does not.
    private static func isDecimal(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }
    }

    /// An org trims white space at both ends of every text, and keeps an empty one as null.
    private static func trimmed(_ text: String) -> String {
        let bytes = text.utf8
        // Nearly every text has nothing to trim; characters are slow to walk.
        if let first = bytes.first, let last = bytes.last, first > 0x20, first < 0x80, last > 0x20, last < 0x80 {
            return text
        }
        let isSpace: (Character) -> Bool = { $0.isWhitespace }
        guard let first = text.firstIndex(where: { !isSpace($0) }), let last = text.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(text[first...last])
    }
}
