/// The groups of an `INCLUDES`, folded: a multi-select value (`Red;Green`) matches when it holds every value of some
/// group.
final class SelectionMatcher: Sendable {
    private let groups: [[[UInt8]]]

    init(_ groups: [[ExactText]]) {
        self.groups = groups.map { $0.map { FoldedText.fold($0.string) } }
    }

    func matches(_ value: String) -> Bool {
        FoldedText.withFolded(value) { bytes in
            let selected = bytes.split(separator: UInt8(ascii: ";"))
            return groups.contains { group in
                group.allSatisfy { wanted in selected.contains { $0.elementsEqual(wanted) } }
            }
        }
    }
}
