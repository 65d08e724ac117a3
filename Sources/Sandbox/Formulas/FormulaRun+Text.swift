import ChangeEvents
import Foundation

/// Functions of texts. Lengths and places count UTF-16 units, as an org does; blanks are empty texts.
extension FormulaRun {
    static func textFunction(_ function: FormulaFunction, _ arguments: [FormulaValue]) throws -> FormulaValue {
        let subject = arguments.first.map(text) ?? ""
        switch function {
        case .left: return .text(slice(subject, from: 0, count: count(arguments[1]) ?? 0))
        case .right:
            let wanted = max(0, count(arguments[1]) ?? 0)
            return .text(slice(subject, from: max(0, subject.utf16.count - wanted), count: wanted))
        case .middle:
            let start = max(1, count(arguments[1]) ?? 1)
            return .text(slice(subject, from: start - 1, count: count(arguments[2]) ?? 0))
        case .length: return .number(Double(subject.utf16.count))
        case .upper: return .text(try bounded(subject.uppercased()))
        case .lower: return .text(try bounded(subject.lowercased()))
        case .initialCapitals: return .text(try bounded(capitalized(subject)))
        case .trim: return .text(trimmed(subject))
        case .reverse: return .text(String(String.UnicodeScalarView(subject.unicodeScalars.reversed())))
        case .substitute: return .text(try substituted(subject, text(arguments[1]), by: text(arguments[2])))
        case .contains: return .boolean(find(text(arguments[1]), in: subject, from: 0) != nil)
        case .begins: return .boolean(subject.utf8.starts(with: text(arguments[1]).utf8))
        case .find:
            let start = arguments.count > 2 ? count(arguments[2]) ?? 1 : 1
            let place = start < 1 ? nil : find(subject, in: text(arguments[1]), from: start - 1)
            return .number(Double(subject.isEmpty ? 0 : (place ?? -1) + 1))
        case .padLeft, .padRight:
            let padding = arguments.count > 2 ? text(arguments[2]) : " "
            return .text(try padded(subject, to: count(arguments[1]) ?? 0, padding, isLeft: function == .padLeft))
        case .safeID: return .text(RecordID(subject)?.string ?? subject)
        case .lineBreak: return .text("<br>")
        case .hyperlink: return .text(try hyperlink(arguments))
        case .image: return .text(try image(arguments))
        case .includes:
            return .boolean(subject.split(separator: ";").contains { trimmed(String($0)) == text(arguments[1]) })
        default: preconditionFailure("\(function.rawValue) is no function of texts")
        }
    }

    private static func slice(_ text: String, from start: Int, count: Int) -> String {
        String(decoding: text.utf16.dropFirst(start).prefix(max(0, count)), as: UTF16.self)
    }

    private static func capitalized(_ text: String) -> String {
        var result = ""
        var isInWord = false
        for character in text {
            result += isInWord ? character.lowercased() : character.uppercased()
            isInWord = character.isLetter || character.isNumber
        }
        return result
    }

    /// The place of a text in another, in UTF-16 units.
    private static func find(_ wanted: String, in text: String, from start: Int) -> Int? {
        let (wanted, units) = (Array(wanted.utf16), Array(text.utf16))
        guard let first = wanted.first else { return start <= units.count ? start : nil }
        var index = start
        while index + wanted.count <= units.count {
            if units[index] == first, units[index..<index + wanted.count].elementsEqual(wanted) { return index }
            index += 1
        }
        return nil
    }

    private static func substituted(_ text: String, _ old: String, by new: String) throws -> String {
        guard !old.isEmpty else { return text }
        let (units, wanted, replacement) = (Array(text.utf8), Array(old.utf8), Array(new.utf8))
        var result: [UInt8] = []
        var index = 0
        while index < units.count {
            if units[index...].starts(with: wanted) {
                result += replacement
                index += wanted.count
            } else {
                result.append(units[index])
                index += 1
            }
            guard result.count <= FormulaLimits.textBytesMax else { throw FormulaEvaluationError.tooBig }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// A text longer than the length is cut to it, as in an org.
    private static func padded(_ text: String, to length: Int, _ padding: String, isLeft: Bool) throws -> String {
        let missing = length - text.utf16.count
        guard missing > 0 else { return slice(text, from: 0, count: length) }
        guard !padding.isEmpty else { return text }
        guard length <= FormulaLimits.textBytesMax else { throw FormulaEvaluationError.tooBig }
        let repetitions = missing / padding.utf16.count + 1
        let filling = slice(String(repeating: padding, count: repetitions), from: 0, count: missing)
        return try bounded(isLeft ? filling + text : text + filling)
    }

    private static func hyperlink(_ arguments: [FormulaValue]) throws -> String {
        let target = arguments.count > 2 ? text(arguments[2]) : "_blank"
        return try bounded(
            "<a href=\"\(attribute(text(arguments[0])))\" target=\"\(attribute(target))\">\(text(arguments[1]))</a>")
    }

    private static func image(_ arguments: [FormulaValue]) throws -> String {
        var style = ""
        let sizes = zip(["height", "width"], arguments.dropFirst(2))
        for (name, size) in sizes { style += "\(name):\(count(size) ?? 0)px; " }
        let styled = style.isEmpty ? "" : " style=\"\(trimmed(style))\""
        return try bounded(
            "<img src=\"\(attribute(text(arguments[0])))\" alt=\"\(attribute(text(arguments[1])))\"\(styled) border=\"0\"/>"
        )
    }

    /// Quotation marks would end the attribute.
    private static func attribute(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("\"", with: "&quot;").replacing("<", with: "&lt;")
    }
}
