// The methods of System.Runtime.CompilerServices.Unsafe that Google.Protobuf uses. Mono has that class for itself only.
using System;
using System.Runtime.InteropServices;

namespace Google.Protobuf
{
    internal static class Unsafe
    {
        public static T ReadUnaligned<T>(ref byte at) where T : struct => MemoryMarshal.Read<T>(MemoryMarshal.CreateSpan(ref at, 8));

        public static void WriteUnaligned<T>(ref byte at, T value) where T : struct =>
            MemoryMarshal.Write(MemoryMarshal.CreateSpan(ref at, 8), ref value);

        public static ref TTo As<TFrom, TTo>(ref TFrom at) where TFrom : struct where TTo : struct =>
            ref MemoryMarshal.GetReference(MemoryMarshal.Cast<TFrom, TTo>(MemoryMarshal.CreateSpan(ref at, 1)));

        public static ref T Add<T>(ref T at, int count) where T : struct =>
            ref MemoryMarshal.GetReference(MemoryMarshal.CreateSpan(ref at, count + 1).Slice(count));

        // Google.Protobuf counts the bytes of a byte or a char.
        public static ref T AddByteOffset<T>(ref T at, IntPtr offset) where T : struct =>
            ref Add(ref at, offset.ToInt32() / (typeof(T) == typeof(char) ? 2 : 1));
    }
}
