/// What became of several elements of one call, each a part of its transaction that can fail by itself.
struct SaveAttempts<Saved> {
    /// One for each element, in their order.
    private(set) var results: [Result<Saved, OrgError>] = []
    /// All or none was asked for, and one has failed: the whole transaction is to be undone.
    private(set) var undoesTransaction = false

    /// Tries every element, so that the caller learns of every mistake at once; with `allOrNone` one of them undoes all.
    init<Element>(
        _ elements: [Element], allOrNone: Bool, _ work: any OrgWork, _ one: (Element) throws(OrgError) -> Saved
    ) throws {
        for element in elements {
            do {
                // An element that cannot be saved leaves nothing, whatever was done for it until then.
                try work.part {
                    results.append(.success(try one(element)))
                    return true
                }
            } catch let error as OrgError {
                results.append(.failure(error))
            }
        }
        guard allOrNone, results.contains(where: \.isFailure) else { return }
        undoesTransaction = true
        for index in results.indices where !results[index].isFailure {
            results[index] = .failure(SaveDocument.rolledBack)
        }
    }
}

extension Result {
    fileprivate var isFailure: Bool {
        if case .failure = self { true } else { false }
    }
}
