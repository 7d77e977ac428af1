// Parses T-SQL as SQL Server 2012 does, with SET QUOTED_IDENTIFIER ON.
// In:  one text a line, as base64 of its UTF-8.
// Out: "error NUMBER LINE COLUMN MESSAGE" for each error in text NUMBER (from 0), at last "parsed COUNT".
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Microsoft.SqlServer.TransactSql.ScriptDom;

static class ParseTsql
{
    static void Main()
    {
        Console.OutputEncoding = new UTF8Encoding(false);
        var parser = new TSql110Parser(initialQuotedIdentifiers: true);
        var count = 0;
        string line;
        while ((line = Console.In.ReadLine()) != null)
        {
            var text = Encoding.UTF8.GetString(Convert.FromBase64String(line));
            IList<ParseError> errors;
            parser.Parse(new StringReader(text), out errors);
            foreach (var error in errors)
                Console.WriteLine("error {0} {1} {2} {3}", count, error.Line, error.Column, OneLine(error.Message));
            count++;
        }
        // says that it came to the end: a run that was cut off must not pass for one without errors
        Console.WriteLine("parsed {0}", count);
    }

    // a message quotes what it met, which may be a string over many lines
    static string OneLine(string message)
    {
        return string.Join(" ", message.Split((char[])null, StringSplitOptions.RemoveEmptyEntries));
    }
}
