/// A text that equals another when the bytes are the same.
///
/// Swift's own equality takes canonically equivalent spellings (`é` as one scalar or two) for equal. Evaluation does
/// not, so two conditions that differ in that must not count as one: subscribers would share an answer that is wrong
/// for one of them.
package struct ExactText: Hashable, Sendable {
    package var string: String

    package init(_ string: String) {
        self.string = string
    }

    package static func == (left: ExactText, right: ExactText) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xFF as UInt8)
    }
}
