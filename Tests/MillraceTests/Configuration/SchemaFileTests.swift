import Testing

@testable import millrace

struct SchemaFileTests {
    @Test func everyMistakeStandsAtItsLine() {
        let text = """
            objects:
              Vehicle__c:
                nameField:
                  type: AutoNumber
                  displayFormat: V
                fields:
                  VIN__c:
                    type: Text
                    length: 400
                  Model__c: {type: Picklist, values: [S, X, S]}
                  VIN__c:
                    type: Checkbox
              Account:
                fields:
                  Tier__c:
                    type: Txt
            events:
              Low_Charge__e:
                publishBehavior: Later
                colour: red
            """
        do {
            _ = try SchemaFile.parse(text, file: "org.yaml", personAccounts: false)
            Issue.record("the file has mistakes")
        } catch {
            let lines = error.mistakes.map(\.line)
            #expect(lines == [5, 9, 10, 11, 16, 19, 20], "\(error)")
            #expect(error.description.contains("org.yaml:9: Vehicle__c.VIN__c.length must be 1 to 255"))
        }
    }

    /// What fits its keys but not the org has its line as well.
    @Test func whatTheOrgDoesNotKnowStandsAtItsLine() {
        let text = """
            objects:
              Account:
                fields:
                  Partner__c:
                    type: Lookup
                    referenceTo: Partnership__c
            """
        do {
            _ = try SchemaFile.parse(text, file: "org.yaml", personAccounts: false)
            Issue.record("the file has a mistake")
        } catch {
            #expect(error.mistakes.map(\.line) == [6], "\(error)")
            #expect(error.mistakes.first?.message.contains("Partnership__c") == true)
        }
    }

    @Test(arguments: ["objects: [", "- a", "\"unclosed", "a: b: c"])
    func whatIsNoSchemaSaysSo(text: String) {
        #expect(throws: ConfigurationError.self) {
            try SchemaFile.parse(text, file: "org.yaml", personAccounts: false)
        }
    }

    @Test func anEmptyFileDefinesNothing() throws {
        _ = try SchemaFile.parse("# nothing\n", file: "org.yaml", personAccounts: false)
    }

    @Test func aMissingFileSaysSo() {
        #expect(throws: ConfigurationError.self) {
            try SchemaFile.load(path: "/nonexistent/org.yaml", personAccounts: false)
        }
    }
}
